#pragma once

#include <string>

#include "berth/api/session_pool.h"
#include "berth/base/json.h"

namespace berth::op {

/// Raised by hand: part of the revision.
inline constexpr int kRenderVersion = 2;

struct RenderSettings {
  std::string default_worker_image = "berth.local/worker";  ///< When the pool names none.
  std::string keys_config_map = "berth-keys";  ///< Holds jwks.json, in the pool's namespace.
};

/// Ten hex digits over what the user wrote that makes a worker what it is: template, worker,
/// sessions and their limits, and kRenderVersion. Not scaling, rollout or drain: a changed
/// `drain.timeout` is the grace of pods made from then on and rolls nothing.
std::string pool_revision(const api::SessionPool& pool);

/// The pod: the template, plus labels, owner, the container "berth-worker" (added unless the
/// template has it) with its configuration, ports, readiness probe, keys and state volumes, and the
/// grace of `drain.timeout`.
///
/// Against disruption, unless the template says otherwise: annotations that keep the cluster
/// autoscaler and Karpenter away, tolerations of not-ready and unreachable nodes for
/// `drain.timeout`, and a preStop hook in the other containers, so that they live as long as the
/// sessions they serve.
///
/// Volumes: berth-state (journal) and berth-sessions (session directories) are emptyDirs, so both
/// survive a container's restart, and berth-tmp is /tmp; the template may define volumes of these
/// names itself.
///
/// With `worker.tls` that Secret is mounted, the worker serves https with it, and the annotation
/// berth.dev/tls tells gateways and operator so.
///
/// What the template does not say is set so that the pod meets the Pod Security level "restricted":
/// not root, default seccomp profile, no privilege escalation, no capabilities; the worker's root
/// file system is read-only and no service account token is mounted.
Json render_worker_pod(const api::SessionPool& pool, const std::string& name,
                       const RenderSettings& settings);

}  // namespace berth::op
