// Everything that people and clients write: pools and configurations as YAML, requests as JSON.
// Besides not crashing, what was accepted must read back to itself.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "berth/api/activity.h"
#include "berth/api/session.h"
#include "berth/api/session_pool.h"
#include "berth/api/worker_config.h"

namespace {

using namespace berth;  // NOLINT(google-build-using-namespace)

void demand_that(bool holds, const char* what) {
  if (!holds) {
    std::fprintf(stderr, "broken: %s\n", what);
    std::abort();
  }
}

void feed_yaml(std::string_view text) {
  const auto json = api::yaml_to_json(text, "fuzz.yaml");
  // Aliases written out may make a text that is too large to be read again.
  if (const std::string yaml = json ? api::json_to_yaml(*json) : "";
      json && yaml.size() < 1 << 20) {
    const auto back = api::yaml_to_json(yaml, "back.yaml");
    demand_that(back && *back == *json, "json_to_yaml reads back to the same value");
  }
  if (const auto pools = api::read_pools_yaml(text, "fuzz.yaml")) {
    for (const Json& pool : *pools) {
      demand_that(api::SessionPool::parse(pool).has_value(), "read_pools_yaml gives pools");
    }
  }
}

template <class T>
void feed_type(const Json& json, const char* what) {
  const auto value = T::parse(json);
  if (!value) {
    return;
  }
  const Json written = to_json(*value);
  const auto again = T::parse(written);
  demand_that(again && to_json(*again) == written, what);
}

void feed_json(std::string_view text) {
  const auto json = parse_json(text);
  if (!json) {
    return;
  }
  feed_type<api::CreateSession>(*json, "CreateSession");
  feed_type<api::StartActivity>(*json, "StartActivity");
  feed_type<api::WorkerConfig>(*json, "WorkerConfig");
  feed_type<api::SessionCreated>(*json, "SessionCreated");
  feed_type<api::SessionInfo>(*json, "SessionInfo");
  feed_type<api::Slots>(*json, "Slots");
  feed_type<api::Demand>(*json, "Demand");
  feed_type<api::ActivityInfo>(*json, "ActivityInfo");
  (void)api::SessionPool::parse(*json);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  feed_yaml(text);
  feed_json(text);
  return 0;
}
