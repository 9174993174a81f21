#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "berth/base/event_loop.h"
#include "berth/base/random.h"
#include "cli/kubectl/kubectl.h"
#include "cli/kubectl/port_forward.h"

namespace berth::cli {

/// What keeps a connection through kubectl alive while a command uses it: the forwarding, and a
/// token that is renewed before it expires. Owns a thread with a loop for both.
class Tunnel {
 public:
  struct Spec {
    Kubectl kubectl;
    /// Absent: no forwarding.
    std::optional<PortForward::Spec> forward;
    /// Absent: no token of ours.
    struct Account {
      std::string ns;
      std::string name;
    };
    std::optional<Account> account;
  };
  /// Waits until both are there.
  static Result<std::unique_ptr<Tunnel>> open(Spec spec);
  /// Ends the forwarding.
  ~Tunnel();
  Tunnel(const Tunnel&) = delete;
  Tunnel& operator=(const Tunnel&) = delete;

  /// "http://127.0.0.1:40001"; empty without a forwarding.
  const std::string& gateway() const { return gateway_; }
  /// The newest. Thread-safe.
  std::string token() const;

 private:
  explicit Tunnel(Spec spec) : spec_(std::move(spec)) {}
  Status start();
  void run(std::function<void(Result<int>)> ready);
  void renew();

  const Spec spec_;
  std::string gateway_;
  mutable std::mutex mutex_;  ///< For the token, which the client's thread asks for.
  std::string token_;
  AsioLoop loop_;
  SystemRandom random_;
  Cancel renewal_;
  std::thread thread_;
};

}  // namespace berth::cli
