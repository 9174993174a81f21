#include "worker/activity/process/output_tail.h"

#include "berth/base/json.h"

namespace berth::worker {

void OutputTail::append(std::string_view bytes) {
  bytes_.append(bytes.size() > kMaxBytes ? bytes.substr(bytes.size() - kMaxBytes) : bytes);
  if (bytes_.size() > 2 * kMaxBytes) {
    bytes_.erase(0, bytes_.size() - kMaxBytes);
  }
}

std::string OutputTail::text() const {
  const std::string valid = to_valid_utf8(last_characters(bytes_, kMaxBytes));
  // A replacement is longer than the byte it stands for.
  return std::string(last_characters(valid, kMaxBytes));
}

std::string to_valid_utf8(std::string_view bytes) {
  const auto parsed = parse_json(dump_json(Json(std::string(bytes))));
  return parsed ? parsed->get<std::string>() : std::string();
}

std::string_view last_characters(std::string_view text, std::size_t max) {
  if (text.size() <= max) {
    return text;
  }
  text.remove_prefix(text.size() - max);
  constexpr int kLongest = 4;
  for (int i = 1; i < kLongest && !text.empty() && (text.front() & 0xC0) == 0x80; ++i) {
    text.remove_prefix(1);
  }
  return text;
}

std::string quote_start(std::string_view bytes, std::size_t max) {
  return dump_json(Json(std::string(bytes.substr(0, max)))) + (bytes.size() > max ? "..." : "");
}

}  // namespace berth::worker
