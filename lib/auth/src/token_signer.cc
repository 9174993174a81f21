#include <map>

#include "signing_key_impl.h"

namespace berth::auth {
namespace {

constexpr std::chrono::seconds kLife(120);
constexpr std::chrono::minutes kForgetAfter(10);

std::int64_t to_unix(WallTime t) {
  return std::chrono::duration_cast<std::chrono::seconds>(t.time_since_epoch()).count();
}

}  // namespace

struct TokenSigner::Impl {
  struct Issued {
    std::string token;
    WallTime at;
    TimePoint last_used;
  };

  std::string make(const std::string& audience, WallTime now) const {
    const auto issued_at = to_unix(now);
    const Json claims = {{"sub", subject},
                         {"aud", audience},
                         {"scope", to_string(key->scope())},
                         {"iat", issued_at},
                         {"exp", issued_at + kLife.count()}};
    return signer->key.sign(key->id(), dump_json(claims));
  }

  void forget_unused(TimePoint now) {
    if (now - swept < kForgetAfter / 10) {
      return;
    }
    swept = now;
    std::erase_if(issued,
                  [&](const auto& item) { return now - item.second.last_used > kForgetAfter; });
  }

  std::optional<SigningKey> key;
  const SigningKey::Impl* signer;
  std::string subject;
  const Clock& clock;
  std::map<std::string, Issued> issued;
  TimePoint swept{};
};

TokenSigner::TokenSigner(std::string subject, const Clock& clock)
    : impl_(new Impl{std::nullopt, nullptr, std::move(subject), clock, {}, clock.now()}) {}
TokenSigner::TokenSigner(SigningKey key, std::string subject, const Clock& clock)
    : TokenSigner(std::move(subject), clock) {
  use(std::move(key));
}
TokenSigner::~TokenSigner() = default;

void TokenSigner::use(SigningKey key) {
  impl_->signer = key.impl_.get();
  impl_->key = std::move(key);
  impl_->issued.clear();
}

std::string TokenSigner::key_id() const {
  return impl_->key ? impl_->key->id() : "";
}

std::string TokenSigner::token(const std::string& audience) {
  if (!impl_->key) {
    return "";
  }
  const TimePoint now = impl_->clock.now();
  const WallTime wall = impl_->clock.wall_now();
  impl_->forget_unused(now);
  auto& issued = impl_->issued[audience];
  // Judged by the wall clock, as verifiers do; also when that was set back.
  if (issued.token.empty() || wall < issued.at || wall - issued.at > kLife / 2) {
    issued.token = impl_->make(audience, wall);
    issued.at = wall;
  }
  issued.last_used = now;
  return issued.token;
}

}  // namespace berth::auth
