#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "berth/base/error.h"
#include "berth/base/json.h"

namespace berth::devcluster {

/// "NAME" to value, in the order of definition (later ones may refer to earlier ones).
using Environment = std::vector<std::pair<std::string, std::string>>;

/// Kubernetes' $(NAME) references: known names are replaced, unknown ones stay, $$(NAME) becomes
/// $(NAME).
std::string expand_references(std::string_view text, const Environment& env);

/// Reads a key of a ConfigMap or Secret ("configmaps", "secrets"), decoded.
using ConfigFn = std::function<Result<std::string>(std::string_view plural, const std::string& name,
                                                   const std::string& key)>;

/// A container's `env`: values with references expanded, fieldRef (metadata.name, namespace, uid,
/// labels['x'], annotations['x'], spec.nodeName, spec.serviceAccountName, status.podIP,
/// status.hostIP), configMapKeyRef, secretKeyRef. `pod` must carry the status fields that are
/// referred to. Starts from `base`. Errors name the variable.
Result<Environment> container_environment(const Json& pod, const Json& container, Environment base,
                                          const ConfigFn& config);

}  // namespace berth::devcluster
