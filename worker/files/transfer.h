#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "berth/base/event_loop.h"
#include "berth/base/file.h"
#include "berth/base/thread_pool.h"
#include "berth/http/message.h"

namespace berth::worker {

/// Runs `work` on `pool` and `done` with its result on the loop. While it runs nothing of the
/// caller needs to live; `done` is for the caller to guard. kUnavailable "TooBusy", from the loop,
/// if the pool takes no more.
template <class T>
void run_blocking(EventLoop& loop, ThreadPool& pool, std::function<Result<T>()> work,
                  std::function<void(Result<T>)> done) {
  auto shared_done = std::make_shared<std::function<void(Result<T>)>>(std::move(done));
  const bool taken = pool.try_run([&loop, work = std::move(work), on_loop = shared_done]() mutable {
    auto result = std::make_shared<Result<T>>(work());
    // Moved on, not copied: what `done` holds belongs to the loop and must die there too.
    loop.post([on_loop = std::move(on_loop), result] { (*on_loop)(std::move(*result)); });
  });
  if (!taken) {
    loop.post([shared_done] {
      (*shared_done)(fail(Error::make(ErrorCode::kUnavailable, "TooBusy",
                                      "the worker's disk threads are all busy; try again")));
    });
  }
}

/// The bytes of a regular file, read on the pool in steps of 64 KiB. Its length is that at opening:
/// a file that grows is cut there, one that shrinks breaks the body off with an error.
std::shared_ptr<http::BodySource> file_source(EventLoop& loop, ThreadPool& pool, UniqueFd file,
                                              std::uint64_t length);

/// Pulls a body into an open file, one chunk at a time: the next is asked for when the last is on
/// disk. Loop thread only.
class FileSink {
 public:
  /// Asked before each chunk is written; an error ends the transfer.
  using AdmitFn = std::function<Status(std::size_t chunk_bytes)>;
  using DoneFn = std::function<void(Status)>;

  FileSink(EventLoop& loop, ThreadPool& pool, std::shared_ptr<UniqueFd> file,
           std::shared_ptr<http::BodySource> source, AdmitFn admit, DoneFn done);
  void start() { pull(); }

 private:
  void pull();
  void on_chunk(Result<std::string> chunk);
  void finish(Status status);

  EventLoop& loop_;
  ThreadPool& pool_;
  std::shared_ptr<UniqueFd> file_;  // Shared with the write in flight, which may outlive this.
  std::shared_ptr<http::BodySource> source_;
  AdmitFn admit_;
  DoneFn done_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace berth::worker
