#pragma once

#include "berth/base/clock.h"
#include "berth/base/error.h"
#include "berth/base/random.h"

namespace berth {

/// Exponential backoff with jitter: the n-th delay is drawn from [d, d * (1 + jitter)) with d =
/// min(max, initial * factor^n). Not thread-safe; the Random must outlive it.
class Backoff {
 public:
  struct Settings {
    Duration initial = std::chrono::milliseconds(800);
    Duration max = std::chrono::seconds(30);
    double factor = 2.0;
    double jitter = 1.0;
  };
  Backoff(Settings settings, Random& random) : settings_(settings), random_(random) {}

  Duration next();
  /// The next delay, but not before the other side wants to be asked again.
  Duration next(const Error& error);
  void reset() { attempts_ = 0; }
  int attempts() const { return attempts_; }

 private:
  Settings settings_;
  Random& random_;
  int attempts_ = 0;
};

}  // namespace berth
