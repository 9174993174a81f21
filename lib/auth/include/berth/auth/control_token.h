#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "berth/auth/mounted_file.h"
#include "berth/base/clock.h"
#include "berth/base/error.h"
#include "berth/base/event_loop.h"
#include "berth/base/random.h"
#include "berth/observe/log.h"

namespace berth::auth {

/// What a control token allows. The scope belongs to the key, not to the token: a stolen gateway
/// key cannot cordon.
///   create   open sessions, give back unused ones, read slots and sessions: the gateway's key
///   operate  cordon, drain, retire, read slots and sessions, read demand: the operator's key
enum class Scope { kCreate, kOperate };
std::string_view to_string(Scope scope);

inline constexpr const char* kGatewayAudience = "berth-gateway";

/// Control tokens are JWTs (RFC 7519) signed with EdDSA on Ed25519 (RFC 8037), valid for a minute
/// or two, for one audience: a worker's pod uid, or kGatewayAudience. A call that reaches another
/// pod behind a reused address is refused.
struct ControlClaims {
  std::string key_id;
  std::string subject;  ///< Who signed: "gateway/gw-1", for the log.
  Scope scope = Scope::kCreate;
  WallTime expires;
};

/// A private key with its id and scope, as a JWK with the member "berth_scope". Written by `berth
/// dev` and, on Kubernetes, by the operator into a Secret.
class SigningKey {
 public:
  static Result<SigningKey> generate(Scope scope, Random& random);
  /// Parses a private JWK.
  static Result<SigningKey> parse(std::string_view jwk_json);
  static Result<SigningKey> load(const std::filesystem::path& path);

  SigningKey(SigningKey&&) noexcept;
  SigningKey& operator=(SigningKey&&) noexcept;
  ~SigningKey();

  const std::string& id() const;
  Scope scope() const;
  std::string private_jwk() const;
  std::string public_jwk() const;

 private:
  struct Impl;
  explicit SigningKey(std::unique_ptr<Impl> impl);
  friend class TokenSigner;
  std::unique_ptr<Impl> impl_;
};

/// {"keys": [...]} of the public halves.
std::string make_jwks(const std::vector<const SigningKey*>& keys);

/// Makes tokens and keeps each until it has less than half its life left, so that signing is rare.
/// Loop thread only.
class TokenSigner {
 public:
  TokenSigner(SigningKey key, std::string subject, const Clock& clock);
  /// Without a key: token() is empty, and so refused by everybody, until use() brings one.
  TokenSigner(std::string subject, const Clock& clock);
  ~TokenSigner();
  /// Signs with `key` from now on. Tokens made earlier stay good for as long as their key is known.
  void use(SigningKey key);
  /// Of the key that signs; empty: there is none.
  std::string key_id() const;
  /// A token for `audience`, good for at least another 30 seconds. Forgets audiences not asked for
  /// in ten minutes.
  std::string token(const std::string& audience);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Public keys that control tokens may be signed with, and the check. Loop thread only.
///
/// verify() refuses: unknown key id, algorithm other than EdDSA, bad signature, wrong audience,
/// expired, not yet valid (60 s of skew allowed either way), scope not allowed by the key. The
/// error is kUnauthenticated with a reason of "TokenExpired", "WrongAudience", "UnknownKey" or
/// "InvalidToken", or kPermissionDenied "WrongScope". Verified tokens are remembered (bounded,
/// until they expire), so a busy gateway costs one signature check a minute.
class KeySet {
 public:
  /// `audience`: who we are.
  KeySet(std::string audience, const Clock& clock);
  ~KeySet();

  /// Replaces all keys. A set that cannot be parsed, or has none usable, changes nothing and is an
  /// error.
  Status load_jwks(std::string_view jwks_json);
  std::set<std::string> key_ids() const;

  Result<ControlClaims> verify(std::string_view token, const std::set<Scope>& allowed) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Keeps a KeySet equal to a JWKS file.
class KeySetFile final : public MountedFile {
 public:
  KeySetFile(EventLoop& loop, KeySet& keys, std::filesystem::path path, const Log& log,
             Duration period = std::chrono::seconds(10));

 private:
  Result<bool> load() override;
  KeySet& keys_;
  std::string loaded_;  // The file's text that the keys came from.
};

/// Keeps a TokenSigner signing with the key in a file.
class SigningKeyFile final : public MountedFile {
 public:
  SigningKeyFile(EventLoop& loop, TokenSigner& signer, std::filesystem::path path, const Log& log,
                 Duration period = std::chrono::seconds(10));

 private:
  Result<bool> load() override;
  TokenSigner& signer_;
};

}  // namespace berth::auth
