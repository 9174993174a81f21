#include "lib/kube/src/token_source.h"

#include "berth/base/file.h"

namespace berth::kube {
namespace {

using namespace std::chrono_literals;
constexpr Duration kReadInterval = 60s;
constexpr Duration kReadRetry = 10s;
constexpr std::uint64_t kLargestToken = 64u << 10;

Result<std::string> read_token(const std::filesystem::path& path) {
  BERTH_ASSIGN(std::string text, read_file(path, kLargestToken));
  const auto end = text.find_last_not_of(" \t\r\n");
  text.erase(end == std::string::npos ? 0 : end + 1);
  if (text.empty()) {
    return fail(Error::make(ErrorCode::kUnauthenticated, "", path.string() + " is empty"));
  }
  return text;
}

}  // namespace

Result<std::string> TokenSource::get() {
  if (config_.token_file.empty()) {
    return config_.token;
  }
  if (cached_ && clock_.now() < read_again_) {
    return *cached_;
  }
  Result<std::string> fresh = read_token(config_.token_file);
  if (fresh) {
    cached_ = std::move(*fresh);
    read_again_ = clock_.now() + kReadInterval;
    return *cached_;
  }
  if (cached_) {
    log_.warn("token file cannot be read, the old token stays in use", {{"error", fresh.error()}});
    read_again_ = clock_.now() + kReadRetry;
    return *cached_;
  }
  Error error = std::move(fresh).error().wrap("reading the token file");
  error.code = ErrorCode::kUnauthenticated;
  return fail(std::move(error));
}

void TokenSource::rejected() {
  cached_.reset();
}

}  // namespace berth::kube
