#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "berth/base/event_loop.h"
#include "berth/http/message.h"

namespace berth::devcluster {

/// The body of one watch: lines that the server pushes and the connection pulls. A watcher that
/// lets more than the limit pile up is cut off, so it lists again instead of holding the server's
/// memory. Loop thread only.
class WatchStream final : public http::BodySource,
                          public std::enable_shared_from_this<WatchStream> {
 public:
  struct Limits {
    std::size_t bytes = 8u << 20;
    std::size_t frame_bytes = 0;  ///< Cut into chunks of this size; 0: a line each.
  };
  WatchStream(EventLoop& loop, Limits limits) : loop_(loop), limits_(limits) {}
  ~WatchStream() override;

  /// One event, without the newline. Ignored after end() or a cut.
  void push(std::string line);
  /// As push(), for what the watch starts with: however much it is, it does not count as slowness.
  void push_backlog(std::string line);
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
  std::deque<std::string> lines_;
  std::size_t queued_ = 0;
  bool ended_ = false;
  std::optional<Error> error_;
  ChunkFn waiting_;
  bool posted_ = false;
  std::function<void()> on_gone_;
};

}  // namespace berth::devcluster
