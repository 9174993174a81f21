#pragma once

#include <cstdint>
#include <optional>

#include "berth/base/clock.h"

namespace berth::op {

/// How long it takes from the news of more demand to sending the pod creates for it, of one pool.
/// Demand is the slots used and the sessions waiting together: the line alone is no longer when one
/// was served and the next took its place. The news are the first ones since the round before. A
/// demand stays in view while its pods are held up by a rule, a slow start or a missing key, and is
/// forgotten when it is met or gone. Loop thread only.
class Reaction {
 public:
  /// A worker or a gateway said something new.
  void heard(TimePoint now);
  /// A round begins, which has so many sessions to serve.
  void begin(std::int64_t demand, TimePoint now);
  /// Scaling sent a create. Nothing: not for a demand that was seen to come.
  std::optional<Duration> create_sent(TimePoint now);
  /// The round is over, in which so many workers were missing (ScalingDecision::short_by).
  void end(std::int64_t short_by);

 private:
  std::optional<TimePoint> heard_;
  std::optional<TimePoint> seen_;
  std::int64_t demand_ = 0;
  std::int64_t sent_ = 0;
};

}  // namespace berth::op
