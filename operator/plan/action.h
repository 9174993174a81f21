#pragma once

#include <string>

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
  };
  Kind kind = Kind::kCreate;
  std::string worker;
  std::string uid;
  std::string resource_version;
  std::string why;  ///< For log and event.

  bool operator==(const Action&) const = default;
};

}  // namespace berth::op
