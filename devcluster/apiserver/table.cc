#include "devcluster/apiserver/table.h"

#include <algorithm>
#include <array>
#include <span>

namespace berth::devcluster {

namespace {

struct Column {
  const char* name;
  const char* type;
  int priority = 0;  // 0 is always shown, 1 with -o wide
};

constexpr std::array<Column, 7> kPodColumns = {{{"Name", "string"},
                                                {"Ready", "string"},
                                                {"Status", "string"},
                                                {"Restarts", "string"},
                                                {"Age", "string"},
                                                {"IP", "string", 1},
                                                {"Node", "string", 1}}};
constexpr std::array<Column, 8> kPoolColumns = {{{"Name", "string"},
                                                 {"Workers", "integer"},
                                                 {"Ready", "integer"},
                                                 {"Slots", "integer"},
                                                 {"Used", "integer"},
                                                 {"Waiting", "integer"},
                                                 {"Status", "string"},
                                                 {"Age", "date"}}};

std::string age_of(const Json& object, WallTime now) {
  const auto created = parse_rfc3339(string_at(object, {"metadata", "creationTimestamp"}));
  return created ? human_duration(now - *created) : "<unknown>";
}

std::string waiting_or_terminated(const Json& pod) {
  const Json* containers = find_path(pod, {"status", "containerStatuses"});
  std::string reason = string_at(pod, {"status", "phase"});
  if (containers != nullptr) {
    for (const Json& c : *containers) {
      for (const char* state : {"waiting", "terminated"}) {
        if (const std::string r = string_at(c, {"state", state, "reason"}); !r.empty()) {
          reason = r;
        }
      }
    }
  }
  return find_path(pod, {"metadata", "deletionTimestamp"}) != nullptr ? "Terminating" : reason;
}

Json pod_cells(const Json& pod, WallTime now) {
  std::size_t ready = 0;
  std::int64_t restarts = 0;
  const Json* statuses = find_path(pod, {"status", "containerStatuses"});
  if (statuses != nullptr) {
    for (const Json& c : *statuses) {
      ready += get_bool(c, "ready").value_or(false) ? 1 : 0;
      restarts += get_int(c, "restartCount").value_or(0);
    }
  }
  const Json* containers = find_path(pod, {"spec", "containers"});
  const auto or_none = [](const std::string& s) { return s.empty() ? std::string("<none>") : s; };
  return {
      string_at(pod, {"metadata", "name"}),
      std::to_string(ready) + "/" + std::to_string(containers == nullptr ? 0 : containers->size()),
      waiting_or_terminated(pod),
      std::to_string(restarts),
      age_of(pod, now),
      or_none(string_at(pod, {"status", "podIP"})),
      or_none(string_at(pod, {"spec", "nodeName"}))};
}

std::string pool_status(const Json& pool) {
  if (find_path(pool, {"metadata", "deletionTimestamp"}) != nullptr) {
    return "Terminating";
  }
  const Json* conditions = find_path(pool, {"status", "conditions"});
  if (conditions == nullptr || !conditions->is_array()) {
    return "";
  }
  for (const Json& c : *conditions) {
    if (get_string(c, "type") == "Ready") {
      return get_string(c, "reason").value_or("");
    }
  }
  return "";
}

Json pool_cells(const Json& pool, WallTime now) {
  const auto number = [&](std::initializer_list<std::string_view> path) {
    const Json* v = find_path(pool, path);
    return v == nullptr ? Json(nullptr) : *v;
  };
  return {string_at(pool, {"metadata", "name"}),
          number({"status", "workers", "current"}),
          number({"status", "workers", "ready"}),
          number({"status", "slots", "capacity"}),
          number({"status", "slots", "used"}),
          number({"status", "waiting"}),
          pool_status(pool),
          age_of(pool, now)};
}

}  // namespace

std::string human_duration(Duration d) {
  const auto total =
      std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::seconds>(d).count());
  const auto two = [](std::int64_t big, const char* unit, std::int64_t small, const char* sub) {
    return std::to_string(big) + unit + (small == 0 ? "" : std::to_string(small) + sub);
  };
  constexpr std::int64_t kMinute = 60;
  constexpr std::int64_t kHour = 3600;
  constexpr std::int64_t kDay = 86400;
  if (total < 2 * kMinute) {
    return std::to_string(total) + "s";
  }
  if (total < 10 * kMinute) {
    return two(total / kMinute, "m", total % kMinute, "s");
  }
  if (total < 3 * kHour) {
    return std::to_string(total / kMinute) + "m";
  }
  if (total < 8 * kHour) {
    return two(total / kHour, "h", total % kHour / kMinute, "m");
  }
  if (total < 2 * kDay) {
    return std::to_string(total / kHour) + "h";
  }
  if (total < 8 * kDay) {
    return two(total / kDay, "d", total % kDay / kHour, "h");
  }
  return std::to_string(total / kDay) + "d";
}

bool has_table(const ResourceType& type) {
  return type.kind == "Pod" || type.kind == "SessionPool";
}

Json to_table(const ResourceType& type, const std::vector<ObjectPtr>& items, WallTime now) {
  const bool pods = type.kind == "Pod";
  Json columns = Json::array();
  for (const Column& c : pods ? std::span<const Column>(kPodColumns) : kPoolColumns) {
    const bool name = std::string_view(c.name) == "Name";
    columns.push_back({{"name", c.name},
                       {"type", c.type},
                       {"format", name ? "name" : ""},
                       {"description", ""},
                       {"priority", c.priority}});
  }
  Json rows = Json::array();
  for (const ObjectPtr& item : items) {
    Json object = {{"kind", "PartialObjectMetadata"},
                   {"apiVersion", "meta.k8s.io/v1"},
                   {"metadata", item->at("metadata")}};
    rows.push_back({{"cells", pods ? pod_cells(*item, now) : pool_cells(*item, now)},
                    {"object", std::move(object)}});
  }
  return {{"kind", "Table"},
          {"apiVersion", "meta.k8s.io/v1"},
          {"metadata", Json::object()},
          {"columnDefinitions", std::move(columns)},
          {"rows", std::move(rows)}};
}

}  // namespace berth::devcluster
