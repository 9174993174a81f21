#include "berth/auth/control_token.h"
#include "berth/base/file.h"

namespace berth::auth {
namespace {
constexpr std::uint64_t kMaxFileBytes = 256u << 10;
}  // namespace

KeySetFile::KeySetFile(EventLoop& loop, KeySet& keys, std::filesystem::path path, const Log& log,
                       Duration period)
    : loop_(loop),
      keys_(keys),
      path_(std::move(path)),
      log_(log.with({{"file", path_.string()}})),
      period_(period) {}

Status KeySetFile::start() {
  BERTH_TRY(load());
  timer_ = loop_.call_after(period_, [this] { tick(); });
  return {};
}

Status KeySetFile::load() {
  const auto named = [&](Error e) {
    return std::move(e).wrap("reading the key set " + path_.string());
  };
  auto text = read_file(path_, kMaxFileBytes);
  if (!text) {
    return fail(named(std::move(text).error()));
  }
  if (*text == loaded_) {
    return {};
  }
  return keys_.load_jwks(*text).map_error(named).map([&] {
    loaded_ = *std::move(text);
    log_.info("key set loaded", {{"keys", keys_.key_ids().size()}});
  });
}

void KeySetFile::tick() {
  const std::string before = loaded_;
  const auto loaded = load();
  const std::string trouble = loaded ? "" : loaded.error().text();
  // Once per kind of trouble, not once per period.
  if (!trouble.empty() && trouble != trouble_) {
    log_.warn("key set not loaded; the old keys stay", {{"error", trouble}});
  }
  trouble_ = trouble;
  timer_ = loop_.call_after(period_, [this] { tick(); });
  if (loaded_ != before && changed_) {
    changed_();
  }
}

}  // namespace berth::auth
