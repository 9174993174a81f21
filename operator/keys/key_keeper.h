#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "berth/auth/control_token.h"
#include "berth/base/event_loop.h"
#include "berth/base/random.h"
#include "berth/kube/client.h"
#include "operator/controller/event_recorder.h"
#include "operator/keys/plan_keys.h"

namespace berth::op {

/// Keeps the control keys of the cluster: watches the Secrets and ConfigMaps, does what plan_keys()
/// says, and lets `signer` sign with the operator's key. For the leader only. Loop thread only;
/// destroying it abandons what is on its way.
class KeyKeeper {
 public:
  struct Settings {
    std::string own_namespace;              ///< Of the Secrets.
    std::set<std::string> pool_namespaces;  ///< Where pools are looked for; empty: everywhere.
    std::string config_map = "berth-keys";
  };
  struct Hooks {
    std::function<bool()> may_write;                    ///< Asked before each write.
    std::function<std::set<std::string>()> namespaces;  ///< That have a pool.
    std::function<std::set<std::string>()> unread;    ///< Whose pools or workers were not read yet.
    std::function<std::vector<KeyHolder>()> holders;  ///< Asked only while a rotation runs.
    std::function<bool()> gateways_known;
    /// Signing began, or trouble() may answer something else.
    std::function<void()> changed;
  };
  KeyKeeper(EventLoop& loop, kube::Client& client, Random& random, auth::TokenSigner& signer,
            EventRecorder& events, Settings settings, Hooks hooks, const Log& log,
            Metrics& metrics);
  ~KeyKeeper();

  void start();
  void stop();
  /// The pools' namespaces may be others now.
  void namespaces_changed();
  /// Some worker or gateway changed. Costs nothing unless a rotation runs.
  void holders_changed();

  /// The signer has the cluster's key.
  bool signing() const;
  /// The public keys are where a new worker of `ns` reads them.
  bool published(const std::string& ns) const;
  /// What keeps them from being published there until a person acts; empty: nothing.
  std::string trouble(const std::string& ns) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace berth::op
