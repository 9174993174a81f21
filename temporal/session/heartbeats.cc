#include "temporal/session/heartbeats.h"

#include <algorithm>
#include <utility>

namespace berth::temporal {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kLongestInterval = seconds(10);
constexpr Duration kShortestInterval = milliseconds(200);
constexpr Duration kRepeat = seconds(1);

Duration interval_of(Duration timeout) {
  return timeout > Duration(0) ? std::clamp(timeout / 3, kShortestInterval, kLongestInterval)
                               : kLongestInterval;
}

}  // namespace

Heartbeats::Heartbeats(EventLoop& loop, Service& service, std::string token, Duration timeout,
                       Hooks hooks, Log log)
    : loop_(loop),
      service_(service),
      token_(std::move(token)),
      interval_(interval_of(timeout)),
      hooks_(std::move(hooks)),
      log_(std::move(log)) {}

void Heartbeats::start(bool at_once) {
  last_answer_ = loop_.clock().now();
  timer_ = loop_.call_after(at_once ? Duration(0) : interval_, [this] { beat(); });
}

void Heartbeats::look() {
  if (!beating_) {
    timer_ = loop_.call_after(Duration(0), [this] { beat(); });
  }
}

void Heartbeats::beat() {
  beating_ = true;
  call_ = service_.heartbeat(token_, details_, [this](const Result<bool>& r) { answered(r); });
}

void Heartbeats::answered(const Result<bool>& result) {
  beating_ = false;
  const TimePoint now = loop_.clock().now();
  if (!result &&
      (result.error().code == ErrorCode::kNotFound ||
       result.error().code == ErrorCode::kInvalidArgument || now - last_answer_ >= kTaskPatience)) {
    const auto tell = std::move(hooks_.gone);
    tell(result.error());
    return;
  }
  if (!result) {
    if (!std::exchange(silent_, true)) {
      log_.warn("heartbeats to Temporal get no answer", {{"error", result.error()}});
    }
    timer_ = loop_.call_after(std::min(kRepeat, interval_), [this] { beat(); });
    return;
  }
  if (std::exchange(silent_, false)) {
    log_.info("heartbeats to Temporal are answered again");
  }
  last_answer_ = now;
  timer_ = loop_.call_after(interval_, [this] { beat(); });
  if (*result && !std::exchange(cancel_told_, true)) {
    const auto tell = std::move(hooks_.cancel_requested);
    tell();
  }
}

}  // namespace berth::temporal
