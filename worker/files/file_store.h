#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "berth/api/ids.h"
#include "berth/base/event_loop.h"
#include "berth/base/file.h"
#include "berth/base/json.h"
#include "berth/base/thread_pool.h"
#include "berth/http/message.h"
#include "berth/observe/log.h"

namespace berth::worker {

struct FileStoreSettings {
  std::filesystem::path
      root;  ///< Absolute; made if missing. One folder per session; nobody else's.
  std::int64_t max_file_bytes = 10LL << 30;  ///< Of one PUT.
  std::int64_t max_session_bytes = 0;        ///< A PUT beyond it is refused; 0: no limit.
  Duration measure_interval =
      std::chrono::seconds(30);  ///< Of sessions, one after another; 0: never.
};

/// The private directories of sessions, and files in and out of them. Loop thread only.
///
/// All reading, writing, walking and deleting happens on a few threads, never on the loop: leases
/// live there, and even a write to the page cache may wait for seconds behind a busy or remote
/// disk. Transfers go in steps of 64 KiB with one step in flight each; long walks (deleting,
/// measuring) have a thread of their own, so they do not hold up transfers. Only making and
/// renaming a directory is done at once.
///
/// Paths come from clients: see beneath.h for what they may be. Sessions of one worker trust each
/// other (same uid); this guards the worker and the host from them, and a session's space from a
/// PUT that is too large.
class FileStore {
 public:
  /// Makes the root, and throws away what an earlier process left half done there. An error names
  /// the directory.
  static Result<std::unique_ptr<FileStore>> open(EventLoop& loop, FileStoreSettings settings,
                                                 Log log = {});
  /// Waits for the step that each thread is at; what a deletion has not done is done after the next
  /// open().
  ~FileStore();

  std::filesystem::path directory(const api::SessionId& id) const;
  /// An existing one is kept: sessions outlive a restart.
  Status create_session_dir(const api::SessionId& id);
  /// The name is free at once, and transfers into it end with kGone "SessionOver". `done` (may be
  /// null) runs when all is deleted. No directory is no error.
  void remove_session_dir(const api::SessionId& id, std::function<void(Status)> done = nullptr);
  /// Sessions that have a directory, for throwing away those that are over after a restart.
  Result<std::vector<api::SessionId>> existing() const;

  struct Written {
    std::int64_t bytes = 0;
    bool created = false;  ///< False: it replaced a file.
  };
  /// Streams `body` into a file, making directories on the way. Readers see the old file or the new
  /// one, never a part; what breaks off leaves nothing. `length` as announced, to refuse early.
  /// Destroying the handle aborts.
  ///
  /// Errors: kInvalidArgument (field "path"), kResourceExhausted "FileTooLarge", "SessionDiskLimit"
  /// or "DiskFull", kConflict "NotAFile" if something else than a file has that name.
  Cancel put(const api::SessionId& id, const std::string& path,
             std::shared_ptr<http::BodySource> body, std::optional<std::uint64_t> length,
             std::function<void(Result<Written>)> done);

  struct Opened {
    std::shared_ptr<http::BodySource> file;  ///< With its length. Null for a directory.
    Json
        listing;  ///< {"entries": [{"name", "type", "size", "modified"}], "truncated"}, see tree.h.
  };
  /// A regular file, or the listing of a directory ("" is the session's own), at most 10,000
  /// entries. Anything else (FIFOs, devices) is kConflict "NotAFile". Destroying the handle aborts;
  /// a source handed out lives on its own, but not longer than the store.
  Cancel get(const api::SessionId& id, const std::string& path,
             std::function<void(Result<Opened>)> done);

  /// As last measured, plus what was put since and what is on its way. 0 if never measured.
  std::int64_t used_bytes(const api::SessionId& id) const;
  /// Measures now.
  void measure(const api::SessionId& id, std::function<void(Result<std::int64_t>)> done = nullptr);

 private:
  struct Usage {
    std::int64_t stored = 0;
    std::int64_t arriving = 0;
  };
  class Upload;
  friend class Upload;

  FileStore(EventLoop& loop, FileStoreSettings settings, Log log, UniqueFd root, UniqueFd uploads,
            UniqueFd trash);
  void clear_leftovers();
  void delete_in_background(std::string name, std::function<void(Status)> done);
  void forget(std::uint64_t upload);
  Result<std::shared_ptr<UniqueFd>> open_session(const api::SessionId& id) const;
  Status admit(const api::SessionId& id, std::int64_t file_bytes, std::int64_t more) const;
  void measure_next();
  std::string unique_name();

  EventLoop& loop_;
  FileStoreSettings settings_;
  Log log_;
  // Shared with the jobs in flight.
  std::shared_ptr<UniqueFd> root_;
  std::shared_ptr<UniqueFd> uploads_;
  std::shared_ptr<UniqueFd> trash_;
  std::map<api::SessionId, Usage> usage_;
  std::list<std::unique_ptr<Upload>> running_uploads_;
  std::string name_prefix_;
  std::uint64_t last_name_ = 0;
  std::uint64_t last_upload_ = 0;
  api::SessionId last_measured_;
  Cancel measure_timer_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  // Last, so that their threads end before anything they use.
  ThreadPool transfers_;
  ThreadPool walks_;
};

}  // namespace berth::worker
