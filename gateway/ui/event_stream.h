#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "berth/base/event_loop.h"
#include "berth/http/message.h"

namespace berth::gateway::ui {

/// The body of one stream of server-sent events, pulled as fast as its reader reads. It starts with
/// a snapshot. What is sent while the reader is busy waits, up to `max_pending` bytes; beyond that
/// it is dropped, and the reader gets a new snapshot instead. Loop thread only; the loop must
/// outlive it.
class EventStream final : public http::BodySource,
                          public std::enable_shared_from_this<EventStream> {
 public:
  /// `snapshot` makes the text of a whole event; called when the reader takes it.
  EventStream(EventLoop& loop, std::size_t max_pending, std::function<std::string()> snapshot)
      : loop_(loop), max_pending_(max_pending), snapshot_(std::move(snapshot)) {}

  /// One event's text, its empty line included.
  void send(std::string_view event);
  /// A clean end; what waits is dropped.
  void end();

  void next(ChunkFn fn) override;

 private:
  void serve();
  std::string take();

  EventLoop& loop_;
  const std::size_t max_pending_;
  std::function<std::string()> snapshot_;
  bool behind_ = true;  ///< The next thing to send is a snapshot.
  bool ended_ = false;
  std::string pending_;
  ChunkFn fn_;
  bool posted_ = false;
};

}  // namespace berth::gateway::ui
