#pragma once

#include <functional>
#include <string>
#include <vector>

#include "berth/api/session.h"
#include "berth/auth/control_token.h"
#include "berth/base/event_loop.h"
#include "berth/http/transport.h"
#include "gateway/workers/worker_pod.h"

namespace berth::gateway {

/// The calls that the gateway makes to workers in its own name, each with a control token made out
/// to that pod's uid. Loop thread only. Every call answers at most once, never inside the call;
/// destroying the handle aborts it.
class WorkerClient {
 public:
  using ResponseFn = std::function<void(Result<http::Response>)>;

  WorkerClient(http::Transport& transport, auth::TokenSigner& signer)
      : transport_(transport), signer_(signer) {}

  /// POST /v1/sessions. `body` is a CreateSession.
  Cancel create(const WorkerPod& pod, std::string body, Duration deadline, ResponseFn done);
  /// Takes back a session that was never used, if `attempt` is still the one that opened it.
  Cancel give_back(const WorkerPod& pod, const api::SessionId& id, const std::string& attempt,
                   ResponseFn done);
  /// GET /v1/sessions: the elements as the worker wrote them.
  Cancel sessions(const WorkerPod& pod, std::function<void(Result<std::vector<Json>>)> done);

 private:
  http::Request request(std::string method, std::string target, const WorkerPod& pod) const;

  http::Transport& transport_;
  auth::TokenSigner& signer_;
};

}  // namespace berth::gateway
