#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "devcluster/apiserver/resource_type.h"
#include "devcluster/apiserver/store.h"

namespace berth::devcluster {

/// Which object or collection a path of the Kubernetes API names.
struct ApiPath {
  const ResourceType* type = nullptr;
  ObjectKey key;            ///< `name` is empty for a collection.
  std::string subresource;  ///< "", "status", "scale", "log".

  /// "/api/v1/namespaces/x/pods/y/log", "/apis/berth.dev/v1alpha1/sessionpools". Nothing for other
  /// paths, unknown types and escapes that are none.
  static std::optional<ApiPath> parse(std::string_view path);
};

}  // namespace berth::devcluster
