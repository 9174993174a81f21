#pragma once

#include <functional>
#include <string>

#include "berth/kube/client.h"
#include "gateway/api/authenticator.h"

namespace berth::gateway {

/// Asks the Kubernetes API who the bearer of a token is (TokenReview, for one audience), and then
/// whether that person may do it (SubjectAccessReview on sessionpools/sessions of that namespace
/// and pool, with user, uid, groups and extra as the first answer gave them). Nothing is kept. Loop
/// thread only; `client` must outlive it.
class AccessReview {
 public:
  /// The error is a refusal (kUnauthenticated "InvalidToken", kPermissionDenied "AccessDenied",
  /// whose messages tell the way out), or says that there is no verdict: kUnavailable with the
  /// reason "ApiServerUnreachable", or "AccessCheckFailed" when the API server does answer but not
  /// that question, which is a matter of how the gateway was installed.
  using DoneFn = std::function<void(AccessVerdict)>;

  AccessReview(kube::Client& client, std::string audience)
      : client_(client), audience_(std::move(audience)) {}

  /// `done` runs once, never inside the call, not after the handle was destroyed.
  Cancel ask(const std::string& token, const Access& access, DoneFn done);

  /// For a caller without a token.
  Error no_token() const;

 private:
  struct Asking;

  Result<Json> person_of(const Json& review, const std::string& token) const;
  std::string way_to_a_token() const;

  kube::Client& client_;
  std::string audience_;
};

/// Whether `error` is a refusal, as against no verdict at all.
bool is_refusal(const Error& error);

/// A user name as it goes with a session: at most 256 bytes. A longer one is cut and gets a hash,
/// so that no two people become one.
std::string owner_name(const std::string& user);

}  // namespace berth::gateway
