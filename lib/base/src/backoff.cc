#include "berth/base/backoff.h"

#include <algorithm>
#include <cmath>

namespace berth {

Duration Backoff::next() {
  const double base = static_cast<double>(settings_.initial.count()) *
                      std::pow(settings_.factor, std::min(attempts_, 64));
  const double capped = std::min(base, static_cast<double>(settings_.max.count()));
  ++attempts_;
  const double jittered = capped * (1.0 + settings_.jitter * random_.unit());
  return Duration(static_cast<std::int64_t>(jittered));
}

Duration Backoff::next(const Error& error) {
  return std::max<Duration>(next(), error.retry_after.value_or(std::chrono::milliseconds(0)));
}

}  // namespace berth
