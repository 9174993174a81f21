#include <utility>

#include "berth/auth/control_token.h"
#include "berth/base/file.h"

namespace berth::auth {
namespace {
constexpr std::uint64_t kMaxFileBytes = 256u << 10;
}  // namespace

KeySetFile::KeySetFile(EventLoop& loop, KeySet& keys, std::filesystem::path path, const Log& log,
                       Duration period)
    : MountedFile(loop, std::move(path), log, period, "key set not loaded; the old keys stay"),
      keys_(keys) {}

Result<bool> KeySetFile::load() {
  const auto named = [&](Error e) {
    return std::move(e).wrap("reading the key set " + path_.string());
  };
  BERTH_ASSIGN(std::string text, read_file(path_, kMaxFileBytes).map_error(named));
  if (text == loaded_) {
    return false;
  }
  BERTH_TRY(keys_.load_jwks(text).map_error(named));
  loaded_ = std::move(text);
  log_.info("key set loaded", {{"keys", keys_.key_ids().size()}});
  return true;
}

SigningKeyFile::SigningKeyFile(EventLoop& loop, TokenSigner& signer, std::filesystem::path path,
                               const Log& log, Duration period)
    : MountedFile(loop, std::move(path), log, period, "signing key not loaded; the old key stays"),
      signer_(signer) {}

Result<bool> SigningKeyFile::load() {
  BERTH_ASSIGN(SigningKey key, SigningKey::load(path_));
  if (key.id() == signer_.key_id()) {
    return false;
  }
  log_.info("signing key loaded", {{"key", key.id()}});
  signer_.use(std::move(key));
  return true;
}

}  // namespace berth::auth
