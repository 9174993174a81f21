#include "gateway/api/authenticator.h"

#include <utility>

#include "berth/auth/session_token.h"
#include "berth/base/file.h"

namespace berth::gateway {
namespace {

constexpr std::uint64_t kMaxFileBytes = 4096;
constexpr std::size_t kMinTokenLength = 16;

}  // namespace

Result<std::unique_ptr<Authenticator>> TokenFileAuthenticator::load(
    const std::filesystem::path& file, std::string owner) {
  BERTH_ASSIGN(std::string token, read_file(file, kMaxFileBytes));
  token.erase(token.find_last_not_of(" \t\r\n") + 1);
  if (token.size() < kMinTokenLength) {
    return fail(Error::invalid("--token-file", file.string() + " holds no token of at least " +
                                                   std::to_string(kMinTokenLength) +
                                                   " characters"));
  }
  return std::make_unique<TokenFileAuthenticator>(std::move(token), std::move(owner));
}

TokenFileAuthenticator::TokenFileAuthenticator(std::string token, std::string owner)
    : token_(std::move(token)), owner_(std::move(owner)) {}

Cancel TokenFileAuthenticator::check(const http::Request& request, const Access&, DoneFn done) {
  const std::string_view given = auth::bearer_token(request.headers.get("Authorization"));
  if (given.empty()) {
    done(fail(Error::make(ErrorCode::kUnauthenticated, "NoToken",
                          "send the gateway's token: Authorization: Bearer <token>")));
  } else if (!auth::secure_equal(given, token_)) {
    done(fail(Error::make(ErrorCode::kUnauthenticated, "InvalidToken",
                          "this is not the gateway's token")));
  } else {
    done(Identity{owner_});
  }
  return {};
}

}  // namespace berth::gateway
