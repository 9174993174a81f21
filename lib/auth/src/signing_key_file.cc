#include "berth/auth/control_token.h"

namespace berth::auth {

SigningKeyFile::SigningKeyFile(EventLoop& loop, TokenSigner& signer, std::filesystem::path path,
                               Log log, Duration period)
    : loop_(loop),
      signer_(signer),
      path_(std::move(path)),
      log_(log.with({{"file", path_.string()}})),
      period_(period) {}

Status SigningKeyFile::start() {
  BERTH_TRY(load());
  timer_ = loop_.call_after(period_, [this] { tick(); });
  return {};
}

Status SigningKeyFile::load() {
  BERTH_ASSIGN(SigningKey key, SigningKey::load(path_));
  if (key.id() != signer_.key_id()) {
    log_.info("signing key loaded", {{"key", key.id()}});
    signer_.use(std::move(key));
  }
  return {};
}

void SigningKeyFile::tick() {
  const std::string before = signer_.key_id();
  const auto loaded = load();
  const std::string trouble = loaded ? "" : loaded.error().text();
  // Once per kind of trouble, not once per period.
  if (!trouble.empty() && trouble != trouble_) {
    log_.warn("signing key not loaded; the old key stays", {{"error", trouble}});
  }
  trouble_ = trouble;
  timer_ = loop_.call_after(period_, [this] { tick(); });
  if (signer_.key_id() != before && changed_) {
    changed_();
  }
}

}  // namespace berth::auth
