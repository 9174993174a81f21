#pragma once

#include <functional>

#include "berth/auth/control_token.h"
#include "berth/base/event_loop.h"
#include "berth/control/slots_poller.h"
#include "berth/http/transport.h"

namespace berth::control {

/// Sends a worker the operator's words. Loop thread only. The callback runs once, unless the handle
/// is destroyed.
class WorkerControl {
 public:
  using DoneFn = std::function<void(Status)>;
  WorkerControl(http::Transport& transport, auth::TokenSigner& signer)
      : transport_(transport), signer_(signer) {}

  /// kConflict "StaleEpoch" if the worker has seen a higher epoch.
  Cancel cordon(const WorkerTarget& worker, std::int64_t epoch, DoneFn done);
  Cancel uncordon(const WorkerTarget& worker, std::int64_t epoch, DoneFn done);
  /// Cordon, and end what is left after `left` (rounded up to seconds, never below 0).
  Cancel drain(const WorkerTarget& worker, std::int64_t epoch, Duration left, DoneFn done);
  /// Success means: never again a session there. kConflict "SessionsOpen": not idle.
  Cancel retire(const WorkerTarget& worker, DoneFn done);

 private:
  Cancel post(const WorkerTarget& worker, std::string path, std::string body, DoneFn done);
  http::Transport& transport_;
  auth::TokenSigner& signer_;
};

}  // namespace berth::control
