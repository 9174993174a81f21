#include "operator/track/reaction.h"

namespace berth::op {

void Reaction::heard(TimePoint now) {
  if (!heard_) {
    heard_ = now;
  }
}

void Reaction::begin(std::int64_t demand, TimePoint now) {
  if (demand > demand_ && !seen_) {
    seen_ = heard_.value_or(now);
  }
  heard_.reset();
  demand_ = demand;
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
