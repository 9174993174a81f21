#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "berth/http/transport.h"
#include "devcluster/node/child_process.h"
#include "devcluster/node/readiness.h"

namespace berth::devcluster {

/// Starts a command as in the container, for exec probes.
using ExecFn = std::function<Result<std::unique_ptr<ChildProcess>>(
    const std::vector<std::string>& argv, ChildProcess::Events events)>;

/// The attempt that a probe's httpGet, tcpSocket or exec describes. Ports may be names of the
/// container's ports. A probe without any of these is an error.
Result<ProbeAttempt> make_probe_attempt(AsioLoop& loop, http::Transport& transport,
                                        const Json& probe, const Json& container,
                                        const std::string& pod_ip, ExecFn exec);

}  // namespace berth::devcluster
