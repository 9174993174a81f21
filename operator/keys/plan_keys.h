#pragma once

#include <chrono>

#include "operator/keys/key_model.h"

namespace berth::op {

/// The longest life of a token, the skew that is allowed for, and what the kubelet may take to
/// bring a new file into a pod, all generously: so long after the switch nobody shows the old key
/// any more.
inline constexpr Duration kKeepPreviousKey = std::chrono::minutes(10);
/// A worker too old to report its keys has read the new ones after this long.
inline constexpr Duration kSilentHolderPatience = std::chrono::minutes(10);
/// A pod that has not started by then will read the new keys when it does.
inline constexpr Duration kUnstartedPatience = std::chrono::minutes(2);
/// How many holders a status names.
inline constexpr std::size_t kMostNamed = 20;

/// One write. Each is safe to be lost and planned again.
struct KeyAction {
  enum class Kind {
    kMakeSecret,    ///< Of `key`, with a fresh key.
    kMakeNext,      ///< A fresh key beside the one that signs; notes that the rotation has begun.
    kSwitch,        ///< The next key signs; the old public half is kept.
    kDropPrevious,  ///< The old public half goes.
    kPublish,       ///< The ConfigMap of `ns`: make it, or bring its jwks.json up to date.
  };
  Kind kind = Kind::kPublish;
  KeyKind key = KeyKind::kOperator;
  std::string ns;
  bool operator==(const KeyAction&) const = default;
};

enum class KeyPhase {
  kMissing,       ///< There is no Secret yet.
  kBroken,        ///< The Secret holds no usable key: nothing is signed with it.
  kSteady,        ///< One key, known to all.
  kDistributing,  ///< A next key waits until all know it.
  kRetiring,      ///< The new key signs; the old one's public half is kept a while.
};
std::string_view to_string(KeyPhase phase);

struct KeyStatus {
  KeyPhase phase = KeyPhase::kMissing;
  std::string current;
  std::string next;
  std::string previous;
  std::vector<std::string> waiting_for;  ///< At most kMostNamed, with the reason.
  std::size_t waiting = 0;               ///< All of them.
  std::optional<WallTime> until;         ///< When the old key goes at the earliest.
};

struct KeysPlan {
  std::vector<KeyAction> actions;
  std::string jwks;                 ///< What the ConfigMaps are to hold; empty without a key.
  std::set<std::string> published;  ///< Namespaces whose ConfigMap holds just that.
  std::set<std::string> foreign;    ///< Namespaces whose ConfigMap is somebody else's.
  std::map<KeyKind, KeyStatus> status;
  std::optional<WallTime> wake_at;  ///< When time alone changes the plan.
};

/// What to do about the control keys. Pure.
KeysPlan plan_keys(const ObservedKeys& observed, WallTime now);

/// The plan's status as the annotation says it and `berth keys status` reads it:
/// {"operator": {"phase", "key", "next"?, "previous"?, "until"?, "waiting", "waitingFor": [...]},
/// ...}
Json status_json(const KeysPlan& plan);

}  // namespace berth::op
