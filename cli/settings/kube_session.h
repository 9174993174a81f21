#pragma once

#include <memory>
#include <string>
#include <utility>

#include "berth/kube/client.h"
#include "cli/settings/flags.h"

namespace berth::cli {

/// The Kubernetes API for a command that does one thing after another: each call waits for its
/// answer. One thread. Straight, from the kubeconfig of --kubeconfig and --context, else of the
/// running `berth dev`, else by kubectl's own rules; where that kubeconfig needs what only kubectl
/// can do (exec plugins, proxies), through kubectl. A pool or worker that is not there is told as
/// the gateway and its clients tell it: PoolNotFound, WorkerNotFound.
class KubeSession {
 public:
  static Result<std::unique_ptr<KubeSession>> open(const Flags& flags);
  virtual ~KubeSession() = default;

  Result<Json> get(const kube::ResourceType& type, const std::string& name);
  /// The whole list; empty selectors: all.
  virtual Result<Json> list(const kube::ResourceType& type, const std::string& label_selector,
                            const std::string& field_selector) = 0;
  Result<Json> list(const kube::ResourceType& type, const std::string& label_selector) {
    return list(type, label_selector, "");
  }
  Result<Json> merge_patch(const kube::ResourceType& type, const std::string& name,
                           const Json& patch);

 protected:
  explicit KubeSession(std::string ns) : ns_(std::move(ns)) {}
  const std::string& ns() const { return ns_; }  ///< Empty: that of the kubeconfig's context.

 private:
  virtual Result<Json> do_get(const kube::ResourceType& type, const std::string& name) = 0;
  virtual Result<Json> do_merge_patch(const kube::ResourceType& type, const std::string& name,
                                      const Json& patch) = 0;

  const std::string ns_;
};

}  // namespace berth::cli
