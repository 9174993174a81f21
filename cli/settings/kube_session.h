#pragma once

#include <memory>
#include <string>

#include "berth/kube/client.h"
#include "cli/settings/flags.h"

namespace berth::cli {

/// The Kubernetes API for a command that does one thing after another: each call waits for its
/// answer. One thread. Straight, from the kubeconfig of --kubeconfig and --context, else of the
/// running `berth dev`, else by kubectl's own rules; where that kubeconfig needs what only kubectl
/// can do (exec plugins, proxies), through kubectl.
class KubeSession {
 public:
  static Result<std::unique_ptr<KubeSession>> open(const Flags& flags);
  virtual ~KubeSession() = default;

  virtual Result<Json> get(const kube::ResourceType& type, const std::string& name) = 0;
  /// The whole list; empty selectors: all.
  virtual Result<Json> list(const kube::ResourceType& type, const std::string& label_selector,
                            const std::string& field_selector) = 0;
  Result<Json> list(const kube::ResourceType& type, const std::string& label_selector) {
    return list(type, label_selector, "");
  }
  virtual Result<Json> merge_patch(const kube::ResourceType& type, const std::string& name,
                                   const Json& patch) = 0;
};

}  // namespace berth::cli
