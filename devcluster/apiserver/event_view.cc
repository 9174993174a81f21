#include "devcluster/apiserver/event_view.h"

#include <array>
#include <utility>

namespace berth::devcluster {

namespace {

constexpr std::array<std::pair<const char*, const char*>, 7> kCoreAndStored = {{
    {"involvedObject", "regarding"},
    {"message", "note"},
    {"firstTimestamp", "deprecatedFirstTimestamp"},
    {"lastTimestamp", "deprecatedLastTimestamp"},
    {"count", "deprecatedCount"},
    {"source", "deprecatedSource"},
    {"reportingComponent", "reportingController"},
}};

void rename(Json& object, const char* from, const char* to) {
  if (const auto it = object.find(from); it != object.end()) {
    Json value = std::move(*it);
    object.erase(it);
    object[to] = std::move(value);
  }
}

}  // namespace

Json to_view(const ResourceType& type, const Json& stored) {
  Json shown = stored;
  if (type.view) {
    for (const auto& [core, own] : kCoreAndStored) {
      rename(shown, own, core);
    }
    shown["apiVersion"] = type.api_version();
  }
  return shown;
}

Json from_view(const ResourceType& type, Json shown) {
  if (type.view && shown.is_object()) {
    for (const auto& [core, own] : kCoreAndStored) {
      rename(shown, core, own);
    }
    if (get_string(shown, "apiVersion") == type.api_version()) {
      shown["apiVersion"] = stored_type(type).api_version();
    }
  }
  return shown;
}

}  // namespace berth::devcluster
