#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "berth/base/clock.h"

namespace berth::op {

/// How long it takes from seeing more demand to sending the pod creates for it, of one pool. A
/// demand stays in view while its pods are held up by a rule, a slow start or a missing key, and is
/// forgotten when it is met or gone. Loop thread only.
class Reaction {
 public:
  /// A round begins, in which so many sessions wait.
  void begin(std::size_t waiting, TimePoint now);
  /// Scaling sent a create. Nothing: not for a demand that was seen to come.
  std::optional<Duration> create_sent(TimePoint now);
  /// The round is over, in which so many workers were missing (ScalingDecision::short_by).
  void end(std::int64_t short_by);

 private:
  std::optional<TimePoint> seen_;
  std::size_t waiting_ = 0;
  std::int64_t sent_ = 0;
};

}  // namespace berth::op
