#include <algorithm>
#include <map>

#include "berth/auth/session_token.h"
#include "ed25519.h"
#include "jwk.h"

namespace berth::auth {
namespace {

constexpr std::size_t kMaxTokenBytes = 4096;
constexpr std::size_t kMaxKeys = 64;
constexpr std::size_t kMaxRemembered = 1024;
constexpr std::chrono::seconds kSkew(60);

Error unauthenticated(std::string reason, std::string message) {
  return Error::make(ErrorCode::kUnauthenticated, std::move(reason), std::move(message));
}
Error invalid_token(std::string message) {
  return unauthenticated("InvalidToken", std::move(message));
}

// What a signature vouches for.
struct Claims {
  ControlClaims control;
  WallTime not_before;
};

struct Parts {
  std::string header;
  std::string payload;
};

// The signature is decoded too: base64url read leniently would give one token many
// spellings.
Result<Parts> split(std::string_view token) {
  if (token.size() > kMaxTokenBytes) {
    return fail(invalid_token("the token is longer than 4096 bytes"));
  }
  const auto first = token.find('.');
  const auto second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (second == std::string_view::npos) {
    return fail(invalid_token("the token is not a JWT of three parts"));
  }
  auto header = base64url_decode(token.substr(0, first));
  auto payload = base64url_decode(token.substr(first + 1, second - first - 1));
  const auto signature = base64url_decode(token.substr(second + 1));
  if (!header || !payload || !signature || signature->empty()) {
    return fail(invalid_token("the token is not a JWT in base64url"));
  }
  return Parts{*std::move(header), *std::move(payload)};
}

// The key id. Any member but these three would ask for something that we do not do (crit, zip, jwk,
// x5u, ...).
Result<std::string> read_header(const std::string& text) {
  const auto header = parse_json(text);
  if (!header || !header->is_object()) {
    return fail(invalid_token("the token's header is not a JSON object"));
  }
  for (const auto& [member, value] : header->items()) {
    if (member != "alg" && member != "kid" && member != "typ") {
      return fail(invalid_token("the token's header has a member other than alg, kid and typ"));
    }
  }
  if (get_string(*header, "alg") != "EdDSA") {
    return fail(invalid_token("the token's algorithm is not EdDSA"));
  }
  auto key_id = get_string(*header, "kid").value_or("");
  if (!is_key_id(key_id)) {
    return fail(invalid_token("the token names no key (kid)"));
  }
  return key_id;
}

// Seconds of Unix time that fit into a WallTime.
std::optional<WallTime> read_time(const Json& claims, const char* name) {
  const auto seconds = get_int(claims, name);
  if (!seconds || *seconds < 0 || *seconds > 9'000'000'000) {
    return std::nullopt;
  }
  return WallTime(std::chrono::seconds(*seconds));
}

bool is_for(const Json& claims, const std::string& audience) {
  const Json* aud = find(claims, "aud");
  if (aud == nullptr) {
    return false;
  }
  const auto is_us = [&](const Json& a) {
    return a.is_string() && a.get_ref<const std::string&>() == audience;
  };
  return aud->is_array() ? std::any_of(aud->begin(), aud->end(), is_us) : is_us(*aud);
}

Result<Claims> read_claims(const std::string& payload, const Jwk& key,
                           const std::string& audience) {
  const auto json = parse_json(payload);
  if (!json || !json->is_object()) {
    return fail(invalid_token("the token's claims are not a JSON object"));
  }
  Claims claims;
  const auto expires = read_time(*json, "exp");
  const auto issued = read_time(*json, "iat");
  const bool has_not_before = find(*json, "nbf") != nullptr;
  const auto not_before = read_time(*json, "nbf");
  if (!expires || !issued || (has_not_before && !not_before)) {
    return fail(invalid_token("the token needs the claims exp and iat, in seconds of Unix time"));
  }
  claims.not_before = std::max(*issued, not_before.value_or(*issued));
  claims.control.key_id = key.key_id;
  claims.control.subject = get_string(*json, "sub").value_or("").substr(0, 256);
  claims.control.scope = key.scope;
  claims.control.expires = *expires;
  if (!is_for(*json, audience)) {
    return fail(unauthenticated("WrongAudience",
                                "the token is for somebody else, not for '" + audience + "'"));
  }
  const auto scope = parse_scope(get_string(*json, "scope").value_or(""));
  if (!scope) {
    return fail(invalid_token("the token needs the claim scope: create or operate"));
  }
  if (*scope != key.scope) {
    return fail(Error::make(ErrorCode::kPermissionDenied, "WrongScope",
                            "the token asks for a scope that its key does not have"));
  }
  return claims;
}

Status check_times(const Claims& claims, WallTime now) {
  if (now > claims.control.expires + kSkew) {
    return fail(unauthenticated("TokenExpired",
                                "the token expired at " + format_rfc3339(claims.control.expires)));
  }
  if (now < claims.not_before - kSkew) {
    return fail(
        invalid_token("the token is not valid before " + format_rfc3339(claims.not_before)));
  }
  return {};
}

struct PublicKey {
  explicit PublicKey(Jwk from) : jwk(std::move(from)), key(jwk.public_bytes, "") {}
  bool same_as(const Jwk& other) const {
    return jwk.public_bytes == other.public_bytes && jwk.scope == other.scope;
  }
  Jwk jwk;
  Ed25519Key key;
};
using PublicKeys = std::map<std::string, PublicKey, std::less<>>;

Result<PublicKeys> parse_jwks(std::string_view jwks_json) {
  BERTH_ASSIGN(const Json json, parse_json(jwks_json));
  const Json* list = find(json, "keys");
  if (list == nullptr || !list->is_array()) {
    return fail(Error::invalid("keys", "must be a list: this is no JWKS"));
  }
  if (list->size() > kMaxKeys) {
    return fail(Error::invalid("keys", "must not be more than 64"));
  }
  PublicKeys keys;
  std::string skipped;
  for (std::size_t i = 0; i < list->size(); ++i) {
    const std::string path = "keys[" + std::to_string(i) + "]";
    auto jwk = parse_jwk((*list)[i]);
    if (!jwk) {
      skipped = skipped.empty() ? path + "." + jwk.error().text() : skipped;
      continue;
    }
    if (!jwk->private_bytes.empty()) {
      return fail(Error::invalid(path + ".d", "is a private key; it has no place in a JWKS"));
    }
    const auto [it, added] = keys.try_emplace(jwk->key_id, *jwk);
    if (!added && !it->second.same_as(*jwk)) {
      return fail(Error::invalid(path + ".kid", "is used by two different keys"));
    }
  }
  if (keys.empty()) {
    return fail(Error::invalid(
        "keys", "has no usable key" + (skipped.empty() ? "" : "; the first: " + skipped)));
  }
  return keys;
}

}  // namespace

struct KeySet::Impl {
  std::string audience;
  const Clock& clock;
  PublicKeys keys;
  // Tokens whose signature and claims were good, by their SHA-256.
  std::map<std::string, Claims> verified;

  Result<Claims> check(std::string_view token) const {
    BERTH_ASSIGN(const Parts parts, split(token));
    BERTH_ASSIGN(const std::string key_id, read_header(parts.header));
    const auto it = keys.find(key_id);
    if (it == keys.end()) {
      return fail(unauthenticated("UnknownKey",
                                  "the token is signed with a key that is not known "
                                  "here: '" +
                                      key_id + "'"));
    }
    if (!it->second.key.verify(token)) {
      return fail(invalid_token("the token's signature is wrong"));
    }
    return read_claims(parts.payload, it->second.jwk, audience);
  }

  void remember(std::string hash, const Claims& claims) {
    if (verified.size() >= kMaxRemembered) {
      verified.erase(
          std::min_element(verified.begin(), verified.end(), [](const auto& a, const auto& b) {
            return a.second.control.expires < b.second.control.expires;
          }));
    }
    verified.emplace(std::move(hash), claims);
  }
};

KeySet::KeySet(std::string audience, const Clock& clock)
    : impl_(new Impl{std::move(audience), clock, {}, {}}) {}
KeySet::~KeySet() = default;

Status KeySet::load_jwks(std::string_view jwks_json) {
  BERTH_ASSIGN(impl_->keys, parse_jwks(jwks_json));
  impl_->verified.clear();
  return {};
}

std::set<std::string> KeySet::key_ids() const {
  std::set<std::string> ids;
  for (const auto& [id, key] : impl_->keys) {
    ids.insert(id);
  }
  return ids;
}

Result<ControlClaims> KeySet::verify(std::string_view token, const std::set<Scope>& allowed) const {
  const WallTime now = impl_->clock.wall_now();
  std::string hash = sha256_hex(token.substr(0, kMaxTokenBytes + 1));
  Claims claims;
  if (const auto it = impl_->verified.find(hash); it != impl_->verified.end()) {
    claims = it->second;
    if (const auto in_time = check_times(claims, now); !in_time) {
      impl_->verified.erase(it);
      return fail(in_time.error());
    }
  } else {
    BERTH_ASSIGN(claims, impl_->check(token));
    BERTH_TRY(check_times(claims, now));
    impl_->remember(std::move(hash), claims);
  }
  if (!allowed.contains(claims.control.scope)) {
    return fail(Error::make(ErrorCode::kPermissionDenied, "WrongScope",
                            "a token of scope " + std::string(to_string(claims.control.scope)) +
                                " does not allow this"));
  }
  return claims.control;
}

}  // namespace berth::auth
