#include "operator/track/reaction.h"

namespace berth::op {

void Reaction::begin(std::size_t waiting, TimePoint now) {
  if (waiting > waiting_ && !seen_) {
    seen_ = now;
  }
  waiting_ = waiting;
  sent_ = 0;
}

std::optional<Duration> Reaction::create_sent(TimePoint now) {
  ++sent_;
  return seen_ ? std::optional(now - *seen_) : std::nullopt;
}

void Reaction::end(std::int64_t short_by) {
  if (sent_ >= short_by) {
    seen_.reset();
  }
}

}  // namespace berth::op
