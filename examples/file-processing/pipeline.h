#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "berth/client/client.h"
#include "examples/file-processing/input.h"

namespace file_processing {

/// What the run has come to so far. Snapshots are taken while it runs.
struct Tally {
  std::size_t files = 0;
  std::size_t done = 0;
  std::size_t failed = 0;
  std::size_t open = 0;
  std::size_t opening = 0;
  std::uintmax_t bytes = 0;
  std::uintmax_t compressed_bytes = 0;
  std::size_t verified = 0;
  std::size_t creation_timeouts = 0;
  std::size_t ended_by_system = 0;
  std::chrono::nanoseconds longest_wait{0};
  std::map<std::string, std::size_t> sessions_per_worker;
  std::map<std::string, std::size_t> open_per_worker;
  std::int64_t peak_workers = 0;      ///< Most that had a session of ours open at a time.
  std::vector<std::string> problems;  ///< One line for each file that went wrong.
};

/// Sends each file through a session of its own: create, fetch, process, store, complete; then
/// compares what was stored with the input. `parallel` threads, one session each at a time.
class Pipeline {
 public:
  Pipeline(berth::client::Client& client, std::vector<InputFile> files,
           std::filesystem::path output);

  /// Returns when all files are through. Call once.
  void run(int parallel);
  Tally tally() const;

 private:
  void work();
  std::optional<InputFile> next();
  void handle(const InputFile& file);
  std::string steps(const berth::client::Context& session, const InputFile& file,
                    const std::filesystem::path& output);
  void failed(const InputFile& file, const std::string& why,
              const berth::client::ClientError* error);

  berth::client::Client& client_;
  const std::vector<InputFile> files_;
  const std::filesystem::path output_;
  mutable std::mutex mutex_;
  std::size_t at_ = 0;
  Tally tally_;
};

}  // namespace file_processing
