#include "tests/fakes/manual_loop.h"

namespace berth::fakes {

Cancel ManualLoop::call_at(TimePoint when, std::function<void()> fn) {
  const std::pair key(when, ++last_);
  timers_->emplace(key, std::move(fn));
  return Cancel([weak = std::weak_ptr(timers_), key] {
    if (const auto timers = weak.lock()) {
      const auto node = timers->extract(key);
    }
  });
}

bool ManualLoop::run_one_due() {
  if (!posted_.empty()) {
    auto fn = std::move(posted_.front());
    posted_.pop_front();
    fn();
    return true;
  }
  if (!timers_->empty() && timers_->begin()->first.first <= clock_.now()) {
    auto node = timers_->extract(timers_->begin());
    node.mapped()();
    return true;
  }
  return false;
}

void ManualLoop::run_ready() {
  while (run_one_due()) {
  }
}

void ManualLoop::advance(Duration by) {
  const TimePoint end = clock_.now() + by;
  run_ready();
  while (!timers_->empty() && timers_->begin()->first.first <= end) {
    clock_.set(timers_->begin()->first.first);
    run_ready();
  }
  clock_.set(end);
  run_ready();
}

void ManualLoop::stall(Duration by) {
  clock_.set(clock_.now() + by);
  run_ready();
}

}  // namespace berth::fakes
