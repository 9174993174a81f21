#include "gateway/workers/pool_status.h"

#include <utility>

#include "berth/base/utf8.h"

namespace berth::gateway {
namespace {

constexpr std::size_t kMaxConditions = 16;
constexpr std::size_t kMaxText = 500;

std::string text_at(const Json& object, std::string_view key) {
  const std::string text = get_string(object, key).value_or("");
  const std::string_view shown = first_characters(text, kMaxText);
  return std::string(shown) + (shown.size() < text.size() ? "..." : "");
}

}  // namespace

PoolStatus PoolStatus::from_json(const Json& status) {
  PoolStatus out;
  if (const Json* workers = find(status, "workers")) {
    out.desired = get_int(*workers, "desired");
  }
  if (const Json* conditions = find(status, "conditions"); conditions && conditions->is_array()) {
    for (const Json& c : *conditions) {
      if (out.conditions.size() >= kMaxConditions) {
        break;
      }
      out.conditions.push_back({text_at(c, "type"), get_string(c, "status") == "True",
                                text_at(c, "reason"), text_at(c, "message")});
    }
  }
  if (const Json* last = find(status, "lastScale"); last && last->is_object()) {
    out.last_scale = {text_at(*last, "time"), get_int(*last, "from").value_or(0),
                      get_int(*last, "to").value_or(0), text_at(*last, "reason")};
  }
  return out;
}

}  // namespace berth::gateway
