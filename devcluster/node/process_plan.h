#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "devcluster/node/child_process.h"
#include "devcluster/node/environment.h"
#include "devcluster/node/volumes.h"

namespace berth::devcluster {

/// What the owner of the node says about all containers.
struct ImageSettings {
  std::map<std::string, std::filesystem::path> images;  ///< "berth.local/worker" to its program.
  /// Added to every container; "{podIP}" is replaced. A container's own value wins.
  Environment extra_env;
};

/// A container of the pod as a process: program, arguments, environment and working directory, with
/// $(NAME) references expanded and mount paths replaced (mounts.h). `pod` carries the status fields
/// that fieldRef reads.
///
/// Error reasons: ErrImagePull (image unknown and no command), CreateContainerConfigError
/// (environment, mounts), CreateContainerError (no such program).
Result<ProcessSpec> plan_process(const Json& pod, const Json& container,
                                 const ImageSettings& images, const PodVolumes& volumes,
                                 const ConfigFn& config, const std::filesystem::path& working_dir);

/// `argv` run in the container's surroundings, for exec probes.
Result<ProcessSpec> with_command(ProcessSpec container, const std::vector<std::string>& argv);

}  // namespace berth::devcluster
