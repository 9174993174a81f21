#pragma once

#include <functional>
#include <memory>
#include <string>

#include "berth/base/event_loop.h"
#include "berth/kube/client.h"
#include "cli/settings/settings.h"

namespace berth::cli {

/// A Kubernetes client for a command that does one thing after another: each call waits for its
/// answer. One thread.
class KubeSession {
 public:
  /// From --kubeconfig, else the running `berth dev`, else kubectl's own rules.
  static Result<std::unique_ptr<KubeSession>> open(const Flags& flags);
  ~KubeSession();

  /// Runs the loop until `start` has called its callback.
  Result<Json> wait(const std::function<Cancel(kube::Client&, kube::Client::ObjectFn)>& start);
  const std::string& ns() const { return ns_; }

 private:
  KubeSession(kube::Config config, std::string ns);
  AsioLoop loop_;
  Metrics metrics_;
  std::unique_ptr<http::Transport> transport_;
  std::unique_ptr<kube::Client> client_;
  std::string ns_;
};

}  // namespace berth::cli
