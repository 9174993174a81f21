#pragma once

#include <string>

#include "operator/model/observed.h"

namespace berth::op {

/// How a pool's workers divide by revision and node, for scaling, removal and rollout alike.
struct Fleet {
  /// The revision of which scaling makes workers: the pool's own, or, while that one is on trial,
  /// the earlier one that serves.
  std::string grow;
  /// The pool's revision has not had a worker that spoke yet, while workers of an earlier one serve
  /// and more of those could be made. Its workers are extra then: no room is counted on them, and
  /// nobody is given up for them.
  bool on_trial = false;
  bool replacing = false;  ///< Some present worker must go (must_go).
};

/// Remembers in `history` that the pool's revision works once one of its workers has spoken.
Fleet survey(const Observed& observed, History& history);

/// To be replaced: about to lose its node, or of another revision than the pool's, unless that one
/// is on trial.
bool must_go(const Observed& observed, const Fleet& fleet, const Worker& worker);

/// A worker of a revision on trial.
bool tried(const Observed& observed, const Fleet& fleet, const Worker& worker);

/// Of neither the pool's revision nor the one that grows, and no session can have reached it: it is
/// deleted at once and nothing is counted on it.
bool discarded(const Observed& observed, const Fleet& fleet, const Worker& worker);

/// A cordon of ours, or a drain whose deadline we told, that may be taken back: on the revision
/// that grows and a node that stays.
bool recoverable(const Fleet& fleet, const Worker& worker);

}  // namespace berth::op
