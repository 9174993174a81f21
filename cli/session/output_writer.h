#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "berth/api/activity.h"
#include "berth/base/file.h"
#include "berth/base/thread_pool.h"

namespace berth::cli {

/// Writes a command's output to our own stdout and stderr, on a thread of its own, since whoever
/// reads them may be slow or have stopped. Thread-safe.
class OutputWriter {
 public:
  /// `failed` runs once, on the writing thread, with the errno when a descriptor takes no more
  /// (EPIPE: its reader has gone, which needs SIGPIPE to be ignored). Nothing is written to it
  /// then.
  OutputWriter(int out, int err, std::function<void(int)> failed);
  /// Ends a write that waits.
  ~OutputWriter();
  OutputWriter(const OutputWriter&) = delete;
  OutputWriter& operator=(const OutputWriter&) = delete;

  /// `done` runs when all of it was written, or dropped.
  void write(std::vector<api::ActivityOutput::Chunk> chunks, const std::function<void()>& done);
  /// From now on everything is dropped, also what a write is waiting to get rid of.
  void abandon();

 private:
  void write_all(int fd, std::string_view bytes);
  bool wait_writable(int fd) const;

  const int out_;
  const int err_;
  std::function<void(int)> failed_;
  std::atomic<bool> abandoned_{false};
  UniqueFd wake_;  ///< Readable once abandoned.
  ThreadPool thread_{1, 16};
};

}  // namespace berth::cli
