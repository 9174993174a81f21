#include "temporal/secret_file.h"

#include <utility>

#include "berth/base/file.h"

namespace berth::temporal {

Result<std::string> SecretFile::read() const {
  constexpr std::uint64_t kLargest = 64u << 10;
  BERTH_ASSIGN(std::string text, read_file(path_, kLargest));
  text.erase(text.find_last_not_of(" \t\r\n") + 1);
  if (text.empty()) {
    return fail(Error::invalid("", path_ + " is empty"));
  }
  return text;
}

Status SecretFile::check() {
  if (path_.empty()) {
    return {};
  }
  BERTH_ASSIGN(last_, read());
  return {};
}

std::string SecretFile::get() {
  if (path_.empty()) {
    return {};
  }
  if (auto text = read()) {
    last_ = *std::move(text);
    told_ = false;
  } else if (!std::exchange(told_, true)) {
    log_.warn("a token's file cannot be read; the last token is used",
              {{"file", path_}, {"error", text.error()}});
  }
  return last_;
}

}  // namespace berth::temporal
