#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "berth/base/event_loop.h"
#include "client.h"

namespace berth::http::cpprest {

/// A streamed body: the queue between the pool threads' events and the one who pulls. Loop thread
/// only; owned by the caller as Response::body_source. Its destructor aborts the call.
class Stream final : public BodySource, public std::enable_shared_from_this<Stream> {
 public:
  /// `idle_timeout` zero: none.
  Stream(EventLoop& loop, Duration idle_timeout, std::shared_ptr<Backlog> backlog,
         Client::Abort abort);
  ~Stream() override;
  /// Once, as soon as a shared_ptr owns it.
  void start() { watch_for_silence(); }

  void next(ChunkFn fn) override;

  void on_chunk(std::string bytes);
  /// Only the first one counts.
  void on_end(Status status);
  void abort() { abort_(); }

 private:
  void watch_for_silence();
  void deliver();

  EventLoop& loop_;
  const Duration idle_timeout_;
  const std::shared_ptr<Backlog> backlog_;
  const Client::Abort abort_;
  std::deque<std::string> chunks_;
  std::optional<Status> end_;
  ChunkFn waiting_;
  Cancel silence_;
};

}  // namespace berth::http::cpprest
