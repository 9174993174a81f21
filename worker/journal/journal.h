#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "berth/base/file.h"
#include "berth/observe/log.h"
#include "worker/session/record.h"

namespace berth::worker {

/// The ledger on disk: `journal` in the worker's state directory, append-only, locked against a
/// second worker.
///
/// A record is in the kernel's hands when write() returns, which is what survives the death of this
/// process; retire is forced to disk. Disk space for ends, results and retire is allotted
/// beforehand, so they fit when the disk is full and new sessions are refused. What could not be
/// written is not left in parts: the file is cut back to its last good record, and rewritten from
/// the table (the snapshot source) before anything else is accepted.
///
/// When it has grown by `compact_after` it is rewritten, beside and renamed, from the snapshot
/// source: a page with each write, so that nobody waits for the thousands of sessions that are
/// over. Loop thread only: a write costs microseconds.
class Journal final : public Ledger {
 public:
  struct Settings {
    std::filesystem::path directory;  ///< Made if missing.
    std::string boot_id;              ///< read_boot_id().
    std::uint64_t reserve_bytes = 64u << 10;
    std::uint64_t compact_after = 4u << 20;
    std::uint64_t max_bytes = 256u << 20;
  };

  struct Opened {
    std::unique_ptr<Journal> journal;
    std::vector<Record> records;  ///< To be replayed in order.
    bool same_boot = true;
    /// The journal could not be understood and now lies in this file; the new one says that the
    /// worker is retired, for nobody knows what it promised.
    std::optional<std::filesystem::path> kept_aside;
  };

  /// Conflict "StateDirectoryInUse" when another process has it; other errors name the file and the
  /// system's reason.
  static Result<Opened> open(Settings settings, Log log);
  ~Journal() override;

  /// A page of the present state: records of at most `most` sessions that are over, from the place
  /// `from`, 0 or the last page's `next`.
  using SnapshotSource = std::function<SnapshotPage(std::uint64_t from, std::size_t most)>;
  /// Where a rewrite gets the present state from. Called only from inside write() and rewrite().
  void set_snapshot_source(SnapshotSource source) { source_ = std::move(source); }

  Status write(const Record& record) override;
  /// Replaces the file by the snapshot source's records; `sync` forces them to disk.
  Status rewrite(bool sync);
  /// False while something that happened is not written down: creates are refused until it is.
  bool healthy() const { return !incomplete_; }

 private:
  Journal(Settings settings, Log log, UniqueFd lock);
  /// The file that is to take this one's place, while it is being written.
  struct Draft {
    std::filesystem::path path;
    UniqueFd fd;
    std::uint64_t size = 0;
    std::uint64_t next = 0;  ///< Where the next page of the snapshot begins.
    bool sync = false;       ///< Must be on disk before it counts.
  };
  Result<Draft> begin_draft() const;
  Status add_to(Draft& draft, const std::vector<Record>& records) const;
  Status put_in_place(Draft draft);
  Status start_file(const std::vector<Record>& records, bool sync);
  void compact_a_little();
  Status add_page();
  /// Uses the file as it is, for sessions that live on a disk without space.
  Status go_on(std::uint64_t good_bytes);
  Status append(const std::string& framed, bool sync);
  Status allot(std::uint64_t more);
  bool make_complete();
  Status keep_aside(const std::filesystem::path& name) const;

  Settings settings_;
  const std::filesystem::path file_;
  Log log_;
  UniqueFd lock_;
  UniqueFd fd_;
  std::uint64_t size_ = 0;       ///< Of good records; the file is never longer after a step.
  std::uint64_t rewritten_ = 0;  ///< Size after the last rewrite.
  std::uint64_t allotted_ = 0;   ///< Disk blocks exist up to here.
  bool allotting_works_ = true;  ///< Some file systems cannot.
  bool incomplete_ = false;
  SnapshotSource source_;
  std::optional<Draft> draft_;  ///< Of a compaction under way.
};

/// The kernel's id of this boot of the machine.
Result<std::string> read_boot_id(
    const std::filesystem::path& path = "/proc/sys/kernel/random/boot_id");

}  // namespace berth::worker
