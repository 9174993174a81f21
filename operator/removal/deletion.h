#pragma once

#include <string>
#include <vector>

#include "operator/model/observed.h"
#include "operator/plan/action.h"

namespace berth::op {

/// A pool that is being deleted.
struct Deletion {
  std::vector<Action> actions;
  bool done = false;          ///< Nothing is left to wait for: the finalizer may go.
  std::int64_t sessions = 0;  ///< Still open.
  std::string waits_for;      ///< For people, with the way out; empty when done.
};

/// Cordons every worker, waits for its sessions (`drain.policy: Wait`) or ends them after
/// `drain.timeout` (`End`), retires it and deletes it. What no session can have reached is deleted
/// at once. Unreadable workers are waited for as well: no data, no decision.
///
/// The annotation berth.dev/force-delete on the pool ends all sessions at once and deletes what
/// cannot be read; then the pool goes as soon as every pod is being deleted.
Deletion delete_pool(const Observed& observed, TimePoint now);

}  // namespace berth::op
