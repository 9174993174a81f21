#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "berth/base/event_loop.h"
#include "berth/http/message.h"

namespace berth::devcluster {

/// A body that the server pushes and the connection pulls: watches and followed logs. A reader that
/// lets more than the limit pile up is cut off, instead of holding the server's memory. Loop thread
/// only.
class PushStream final : public http::BodySource, public std::enable_shared_from_this<PushStream> {
 public:
  struct Limits {
    std::size_t bytes = 8u << 20;
    std::size_t frame_bytes = 0;  ///< Cut into chunks of this size; 0: as pushed.
  };
  PushStream(EventLoop& loop, Limits limits) : loop_(loop), limits_(limits) {}
  ~PushStream() override;

  /// Ignored after end() or a cut.
  void push(std::string bytes);
  /// As push(), for what the stream starts with: however much it is, it does not count as slowness.
  void push_backlog(std::string bytes);
  /// Clean end after what has been pushed.
  void end();
  /// The connection breaks off now, whatever was pushed.
  void cut(Error why);
  bool done() const { return ended_ || error_.has_value(); }

  /// Runs when the connection lets go of the stream. Never inside push, end or cut.
  void on_gone(std::function<void()> fn) { on_gone_ = std::move(fn); }

  void next(ChunkFn fn) override;

 private:
  void serve();
  std::string take();

  EventLoop& loop_;
  Limits limits_;
  std::deque<std::string> chunks_;
  std::size_t queued_ = 0;
  bool ended_ = false;
  std::optional<Error> error_;
  ChunkFn waiting_;
  bool posted_ = false;
  std::function<void()> on_gone_;
};

}  // namespace berth::devcluster
