#include "tests/unit/deploy/reader.h"

#include <gtest/gtest.h>

#include <sstream>

#include "berth/api/session_pool.h"
#include "berth/base/duration.h"

namespace berth::deploy {

Json roomy_pool() {
  const Json widest = {{"maxCreationTimeout", "87840h"},
                       {"maxExecutionTimeout", "87840h"},
                       {"maxHeartbeatTimeout", "87840h"}};
  return {{"metadata", {{"name", "files"}}},
          {"spec",
           {{"template", {{"metadata", Json::object()}, {"spec", Json::object()}}},
            {"worker",
             {{"resources", Json::object()},
              {"activities",
               {{{"name", "a"}, {"command", {"x"}}, {"limits", Json::object()}},
                {{"name", "b"}, {"http", {{"url", "http://127.0.0.1/"}}}}}}}},
            {"sessions",
             {{"maxPerWorker", 4},
              {"resources", Json::object()},
              {"defaults", Json::object()},
              {"limits", widest}}},
            {"scaling",
             {{"maxWorkers", 100'000},
              {"scaleUp", Json::object()},
              {"scaleDown", Json::object()},
              {"schedules",
               {{{"name", "s"}, {"cron", "0 8 * * 1-5"}, {"duration", "1h"}, {"minWorkers", 1}}}}}},
            {"rollout", {{"maxSurge", 1}, {"maxUnavailable", 1}}},
            {"drain", Json::object()}}}};
}

Json with(Json pool, const std::string& pointer, const Json& value) {
  pool[Json::json_pointer(pointer)] = value;
  return pool;
}

std::string error_of(const Json& pool) {
  const auto r = api::SessionPool::parse(pool);
  return r ? "" : r.error().text();
}

std::set<std::string> fields_that_the_reader_knows(const Place& p) {
  const std::string error = error_of(with(roomy_pool(), p.pointer + "/no-such-field", "anything"));
  const std::string before = "known here: ";
  std::set<std::string> out;
  const auto at = error.find(before);
  EXPECT_NE(at, std::string::npos) << p.path << ": " << error;
  std::istringstream names(at == std::string::npos ? "" : error.substr(at + before.size()));
  for (std::string name; std::getline(names >> std::ws, name, ',');) {
    out.insert(name);
  }
  return out;
}

Json described(const Json& pool) {
  const auto parsed = api::SessionPool::parse(pool);
  EXPECT_TRUE(parsed) << parsed.error().text();
  const auto share = [](const api::IntOrPercent& s) {
    return std::to_string(s.value) + (s.percent ? "%" : "");
  };
  const api::ScalingSpec& s = parsed->scaling;
  return {{"worker", api::to_json(parsed->worker)},
          {"image", parsed->worker_image},
          {"workers", parsed->workers.value_or(-1)},
          {"minWorkers", s.min_workers},
          {"maxWorkers", s.max_workers},
          {"freeSlots", share(s.free_slots)},
          {"scaleToZeroAfter", format_duration(s.scale_to_zero_after)},
          {"placement", static_cast<int>(s.placement)},
          {"tolerance", s.tolerance},
          {"up", s.up_max_workers_per_minute.value_or(-1)},
          {"window", format_duration(s.down_stabilization_window)},
          {"down", s.down_max_workers_per_minute.value_or(-1)},
          {"paused", s.paused},
          {"timeZone", s.schedules.at(0).time_zone},
          {"maxSurge", share(parsed->rollout.max_surge)},
          {"maxUnavailable", share(parsed->rollout.max_unavailable)},
          {"drainTimeout", format_duration(parsed->drain.timeout)},
          {"drainPolicy", static_cast<int>(parsed->drain.policy)}};
}

}  // namespace berth::deploy
