#include "devcluster/node/readiness.h"

#include <algorithm>

namespace berth::devcluster {

ProbeSettings ProbeSettings::parse(const Json& probe) {
  ProbeSettings s;
  const auto seconds = [&](const char* key, Duration& out, std::int64_t min) {
    if (const auto v = get_int(probe, key)) {
      out = std::chrono::seconds(std::clamp<std::int64_t>(*v, min, 86'400));
    }
  };
  const auto count = [&](const char* key, int& out) {
    if (const auto v = get_int(probe, key)) {
      out = static_cast<int>(std::clamp<std::int64_t>(*v, 1, 1000));
    }
  };
  seconds("initialDelaySeconds", s.initial_delay, 0);
  seconds("periodSeconds", s.period, 1);
  seconds("timeoutSeconds", s.timeout, 1);
  count("successThreshold", s.success_threshold);
  count("failureThreshold", s.failure_threshold);
  return s;
}

Readiness::Readiness(EventLoop& loop, ProbeSettings settings, ProbeAttempt attempt,
                     std::function<void(bool)> on_change)
    : loop_(loop),
      settings_(settings),
      attempt_(std::move(attempt)),
      on_change_(std::move(on_change)) {
  try_after(settings_.initial_delay);
}

void Readiness::try_after(Duration delay) {
  timer_ = loop_.call_after(delay, [this] { attempt(); });
}

void Readiness::attempt() {
  running_ = attempt_([this](bool ok) { take(ok); });
  timeout_ = loop_.call_after(settings_.timeout, [this] {
    running_.cancel();
    take(false);
  });
}

void Readiness::take(bool ok) {
  timeout_.cancel();
  in_a_row_ = ok == last_ok_ ? in_a_row_ + 1 : 1;
  last_ok_ = ok;
  ever_ready_ |= ok;
  Duration delay = settings_.period;
  if (!ever_ready_) {
    delay = std::min(delay, eager_);
    eager_ *= 2;
  }
  try_after(delay);
  const bool next = ready_ ? ok || in_a_row_ < settings_.failure_threshold
                           : ok && in_a_row_ >= settings_.success_threshold;
  if (next != ready_) {
    ready_ = next;
    on_change_(ready_);
  }
}

}  // namespace berth::devcluster
