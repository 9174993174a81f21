#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "berth/base/event_loop.h"
#include "berth/http/message.h"

namespace berth::gateway {

/// What a caller wants to do, in the words of an access review.
struct Access {
  enum class Verb { kCreate, kList };
  Verb verb = Verb::kCreate;
  std::string ns;    ///< Empty: all namespaces.
  std::string pool;  ///< Empty: all pools.
};

/// Who a caller is.
struct Identity {
  std::string owner;  ///< Goes with the session into listings and logs.
};

/// Why somebody is turned away, and who it is if that is known.
struct Refusal : Error {
  Refusal(Error error, std::string who = {}) : Error(std::move(error)), owner(std::move(who)) {}
  std::string owner;
};
using AccessVerdict = tl::expected<Identity, Refusal>;

/// Decides who may open and list sessions. Sessions themselves are used with their own tokens,
/// which workers check.
class Authenticator {
 public:
  using DoneFn = std::function<void(AccessVerdict)>;
  virtual ~Authenticator() = default;

  /// Calls `done` once: before it returns if the answer is known, else later on the loop, unless
  /// the handle is destroyed. Errors: kUnauthenticated (no or no valid credentials),
  /// kPermissionDenied, kUnavailable (cannot tell now).
  virtual Cancel check(const http::Request& request, const Access& access, DoneFn done) = 0;
};

/// One secret in a file, for one machine and one user: whoever has it may do everything. The owner
/// of all sessions is `owner`. The file is read once; trailing white space is dropped.
class TokenFileAuthenticator final : public Authenticator {
 public:
  static Result<std::unique_ptr<Authenticator>> load(const std::filesystem::path& file,
                                                     std::string owner);
  TokenFileAuthenticator(std::string token, std::string owner);
  Cancel check(const http::Request& request, const Access& access, DoneFn done) override;

 private:
  std::string token_;
  std::string owner_;
};

}  // namespace berth::gateway
