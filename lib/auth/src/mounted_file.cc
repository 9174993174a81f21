#include "berth/auth/mounted_file.h"

#include <utility>

namespace berth::auth {

MountedFile::MountedFile(EventLoop& loop, std::filesystem::path path, const Log& log,
                         Duration period, const char* stays)
    : path_(std::move(path)),
      log_(log.with({{"file", path_.string()}})),
      loop_(loop),
      period_(period),
      stays_(stays) {}

Status MountedFile::start() {
  BERTH_TRY(load());
  timer_ = loop_.call_after(period_, [this] { tick(); });
  return {};
}

void MountedFile::tick() {
  const Result<bool> loaded = load();
  const std::string trouble = loaded ? "" : loaded.error().text();
  // Once per kind of trouble, not once per period.
  if (!trouble.empty() && trouble != trouble_) {
    log_.warn(stays_, {{"error", trouble}});
  }
  trouble_ = trouble;
  timer_ = loop_.call_after(period_, [this] { tick(); });
  if (loaded.value_or(false) && changed_) {
    changed_();
  }
}

}  // namespace berth::auth
