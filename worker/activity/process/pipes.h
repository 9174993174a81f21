#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "berth/base/event_loop.h"
#include "berth/base/file.h"

namespace berth::worker {

/// Feeds bytes from memory to a pipe, at the reader's pace, and closes it. A reader that never
/// reads or goes away early is none of our business: the rest is dropped with the writer.
class PipeWriter {
 public:
  PipeWriter(AsioLoop& loop, UniqueFd pipe, std::string bytes);
  ~PipeWriter();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;  // Shared with the operation in flight.
};

/// Hands on what arrives in a pipe, in chunks of at most 64 KiB. A writer faster than 200 MB/s or
/// so is slowed down, so that an endless stream leaves the loop time for others.
class PipeReader {
 public:
  using ChunkFn = std::function<void(std::string_view)>;
  PipeReader(AsioLoop& loop, UniqueFd pipe, ChunkFn fn);
  ~PipeReader();

  /// Reads no more until release(), so that the writer waits once the pipe is full; up to one chunk
  /// may still come. Both may be called inside the chunk function.
  void hold();
  void release();
  /// Takes what is in the pipe now without waiting, at most `limit` bytes, then closes it. For the
  /// end, when nobody is left to write.
  void drain(std::size_t limit);
  /// Closes it: the writer gets SIGPIPE. May be called inside the chunk function.
  void close();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

/// Calls `fn` once, when `fd` is readable. The caller keeps `fd` open until then or until the
/// handle is destroyed.
Cancel when_readable(AsioLoop& loop, int fd, std::function<void()> fn);

}  // namespace berth::worker
