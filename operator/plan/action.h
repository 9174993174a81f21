#pragma once

#include <string>

#include "berth/base/clock.h"

namespace berth::op {

/// One thing to do. Everything is keyed by uid: an action for a pod that has been replaced under
/// its name fails.
struct Action {
  enum class Kind {
    kCreate,  ///< A worker pod named `worker`.
    kDelete,  ///< The pod, with preconditions uid and, if not empty, resource_version.
    kRetire,  ///< Ask the worker to retire; if it promises, delete it. 409 is a normal answer.
    kCordon,
    kUncordon,
    kDrain,  ///< Cordon, and end what is left at `deadline`.
  };
  Kind kind = Kind::kCreate;
  std::string worker;
  std::string uid;
  std::string resource_version;
  std::string why;       ///< For log and event.
  std::string revision;  ///< Of what is created.
  bool rated = false;    ///< Decided by scaling: counts towards maxWorkersPerMinute.
  TimePoint deadline{};  ///< Of a drain.

  bool operator==(const Action&) const = default;
};

}  // namespace berth::op
