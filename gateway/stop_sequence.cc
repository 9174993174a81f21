#include "gateway/stop_sequence.h"

#include <utility>

#include "berth/base/duration.h"
#include "gateway/gateway.h"

namespace berth::gateway {

StopSequence::StopSequence(EventLoop& loop, Gateway& gateway, http::Server& server,
                           Settings settings, Log log)
    : loop_(loop), gateway_(gateway), server_(server), settings_(settings), log_(std::move(log)) {}

void StopSequence::start(std::function<void()> done) {
  done_ = std::move(done);
  gateway_.stop_being_ready();
  log_.info("not ready any more, serving on", {{"seconds", to_seconds(settings_.drain)}});
  timer_ = loop_.call_after(settings_.drain, [this] { close(); });
}

void StopSequence::close() {
  // The server may call back after this object is gone: main's locals go in reverse order.
  const auto part = [this, alive = std::weak_ptr(alive_)] {
    if (!alive.expired()) {
      part_done();
    }
  };
  server_.drain(settings_.grace, part);
  gateway_.shut_down(settings_.grace, part);
}

void StopSequence::part_done() {
  if (--parts_left_ == 0) {
    std::exchange(done_, nullptr)();
  }
}

}  // namespace berth::gateway
