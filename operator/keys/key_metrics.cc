#include "operator/keys/key_metrics.h"

namespace berth::op {
namespace {

constexpr KeyPhase kPhases[] = {KeyPhase::kMissing, KeyPhase::kBroken, KeyPhase::kSteady,
                                KeyPhase::kDistributing, KeyPhase::kRetiring};

}  // namespace

KeyMetrics::KeyMetrics(Metrics& metrics) {
  for (const KeyKind kind : kKeyKinds) {
    const std::string key(to_string(kind));
    for (const KeyPhase phase : kPhases) {
      phases_[{kind, phase}] =
          metrics.gauge("berth_operator_key_phase", "1 for the phase that a control key is in.",
                        {{"key", key}, {"phase", std::string(to_string(phase))}});
    }
    waiting_[kind] = metrics.gauge(
        "berth_operator_key_waiting",
        "Workers, gateways and others that hold up the rotation of a control key.", {{"key", key}});
  }
}

void KeyMetrics::update(const std::map<KeyKind, KeyStatus>& status) {
  for (const auto& [kind, s] : status) {
    for (const KeyPhase phase : kPhases) {
      phases_[{kind, phase}].set(phase == s.phase ? 1 : 0);
    }
    waiting_[kind].set(static_cast<double>(s.waiting));
  }
}

}  // namespace berth::op
