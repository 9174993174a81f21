#include "cli/pool/pool_view.h"

namespace berth::cli {

const Json* pool_condition(const Json& pool, std::string_view type) {
  const Json* list = find_path(pool, {"status", "conditions"});
  if (list != nullptr && list->is_array()) {
    for (const Json& c : *list) {
      if (get_string(c, "type") == type) {
        return &c;
      }
    }
  }
  return nullptr;
}

std::string pool_state(const Json& pool) {
  const Json* ready = pool_condition(pool, "Ready");
  return ready == nullptr ? "Unknown" : get_string(*ready, "reason").value_or("Unknown");
}

}  // namespace berth::cli
