#include <algorithm>

#include "berth/kube/reflector.h"

namespace berth::kube {
namespace {

bool comparable_version(std::string_view v) {
  return !v.empty() && v.front() != '0' &&
         std::all_of(v.begin(), v.end(), [](char c) { return c >= '0' && c <= '9'; });
}

Error line_too_long(std::size_t limit) {
  return Error::make(ErrorCode::kResourceExhausted, "WatchLineTooLong",
                     "a watch event is longer than " + std::to_string(limit) + " bytes");
}

Error bad_event(std::string message) {
  return Error::make(ErrorCode::kInternal, "BadWatchEvent", std::move(message));
}

Status deliver(std::string_view line, const std::function<void(const Json&)>& fn) {
  if (line.find_first_not_of(" \t\r") == std::string_view::npos) {
    return {};
  }
  const Result<Json> event = parse_json(line);
  if (!event) {
    return fail(bad_event("a watch event is " + event.error().message));
  }
  const Json* object = find(*event, "object");
  if (!get_string(*event, "type") || object == nullptr || !object->is_object()) {
    return fail(bad_event("a watch event has no type or no object"));
  }
  fn(*event);
  return {};
}

}  // namespace

bool newer_version(std::string_view a, std::string_view b) {
  if (!comparable_version(a) || !comparable_version(b)) {
    return false;
  }
  return a.size() != b.size() ? a.size() > b.size() : a > b;
}

Status WatchDecoder::feed(std::string_view bytes, const std::function<void(const Json&)>& fn) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    const std::size_t part = std::min(end, bytes.size());
    if (part > max_line_ - std::min(buffer_.size(), max_line_)) {
      return fail(line_too_long(max_line_));
    }
    if (end == std::string_view::npos) {
      buffer_.append(bytes);
      return {};
    }
    if (buffer_.empty()) {
      BERTH_TRY(deliver(bytes.substr(0, end), fn));
    } else {
      buffer_.append(bytes.substr(0, end));
      const std::string line = std::exchange(buffer_, {});
      BERTH_TRY(deliver(line, fn));
    }
    bytes.remove_prefix(end + 1);
  }
  return {};
}

}  // namespace berth::kube
