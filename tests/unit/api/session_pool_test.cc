#include "berth/api/session_pool.h"

#include <gtest/gtest.h>

namespace berth::api {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

Json minimal() {
  return {{"apiVersion", "berth.dev/v1alpha1"},
          {"kind", "SessionPool"},
          {"metadata", {{"name", "files"}}},
          {"spec", {{"sessions", {{"maxPerWorker", 4}}}, {"scaling", {{"maxWorkers", 6}}}}}};
}

Json with(const char* pointer, const Json& value) {
  Json pool = minimal();
  pool[Json::json_pointer(pointer)] = value;
  return pool;
}

std::string pool_error(const Json& pool) {
  const auto r = SessionPool::parse(pool);
  return r ? "" : r.error().text();
}

TEST(SessionPool, AppliesTheDefaults) {
  const auto p = SessionPool::parse(minimal());
  ASSERT_TRUE(p) << p.error().text();
  EXPECT_EQ(p->name, "files");
  EXPECT_EQ(p->ns, "");
  EXPECT_FALSE(p->deleting);
  EXPECT_TRUE(p->pod_template.is_null());
  EXPECT_TRUE(p->status.is_null());
  EXPECT_FALSE(p->workers);
  EXPECT_EQ(p->scaling.min_workers, 0);
  EXPECT_EQ(p->scaling.free_slots, (IntOrPercent{1, false}));
  EXPECT_EQ(p->scaling.scale_to_zero_after, minutes(10));
  EXPECT_EQ(p->scaling.placement, Placement::kPacked);
  EXPECT_DOUBLE_EQ(p->scaling.tolerance, 0);
  EXPECT_FALSE(p->scaling.up_max_workers_per_minute);
  EXPECT_EQ(p->drain.timeout, hours(1));
  EXPECT_EQ(p->drain.policy, DrainPolicy::kWait);
}

TEST(SessionPool, ReadsEveryField) {
  Json pool = minimal();
  pool["metadata"] = {{"name", "files"},
                      {"namespace", "team-a"},
                      {"uid", "u"},
                      {"resourceVersion", "17"},
                      {"generation", 3},
                      {"deletionTimestamp", "2026-11-22T18:34:11Z"},
                      {"finalizers", {"berth.dev/drain"}},
                      {"labels", {{"a", "b"}}},
                      {"managedFields", Json::array()}};
  pool["spec"] = {
      {"template", {{"metadata", Json::object()}, {"spec", {{"nodeSelector", {{"x", "y"}}}}}}},
      {"worker",
       {{"image", "registry:5000/worker:1"},
        {"resources", {{"limits", {{"cpu", "1"}}}}},
        {"exec", true},
        {"tls", {{"secretName", "pair"}}},
        {"activities", {{{"name", "a"}, {"command", {"cat"}}}}}}},
      {"sessions", {{"maxPerWorker", 2}, {"resources", {{"gpu", 1}}}}},
      {"scaling",
       {{"minWorkers", 1},
        {"maxWorkers", 20},
        {"freeSlots", "25%"},
        {"scaleToZeroAfter", "5s"},
        {"placement", "Spread"},
        {"tolerance", 0.25},
        {"scaleUp", {{"maxWorkersPerMinute", 30}}},
        {"scaleDown", {{"stabilizationWindow", "3s"}, {"maxWorkersPerMinute", 10}}},
        {"schedules", Json::array()},
        {"paused", true}}},
      {"workers", 0},
      {"rollout", {{"maxSurge", "25%"}, {"maxUnavailable", 0}}},
      {"drain", {{"timeout", "2h"}, {"policy", "End"}}}};
  pool["status"] = {{"waiting", 1}};
  const auto p = SessionPool::parse(pool);
  ASSERT_TRUE(p) << p.error().text();
  EXPECT_EQ(p->ns, "team-a");
  EXPECT_EQ(p->uid, "u");
  EXPECT_EQ(p->resource_version, "17");
  EXPECT_EQ(p->generation, 3);
  EXPECT_TRUE(p->deleting);
  EXPECT_EQ(p->finalizers, std::vector<std::string>{"berth.dev/drain"});
  EXPECT_EQ(p->pod_template, pool["spec"]["template"]);
  EXPECT_EQ(p->worker_image, "registry:5000/worker:1");
  EXPECT_EQ(p->worker_resources, pool["spec"]["worker"]["resources"]);
  EXPECT_TRUE(p->worker.exec);
  EXPECT_EQ(p->worker_tls_secret, "pair");
  EXPECT_EQ(p->worker.activities.at(0).command, std::vector<std::string>{"cat"});
  EXPECT_EQ(p->worker.sessions.resources, (Resources{{"gpu", 1}}));
  EXPECT_EQ(p->scaling.min_workers, 1);
  EXPECT_EQ(p->scaling.free_slots, (IntOrPercent{25, true}));
  EXPECT_EQ(p->scaling.scale_to_zero_after, seconds(5));
  EXPECT_EQ(p->scaling.placement, Placement::kSpread);
  EXPECT_DOUBLE_EQ(p->scaling.tolerance, 0.25);
  EXPECT_EQ(p->scaling.up_max_workers_per_minute, 30);
  EXPECT_EQ(p->scaling.down_stabilization_window, seconds(3));
  EXPECT_EQ(p->scaling.down_max_workers_per_minute, 10);
  EXPECT_TRUE(p->scaling.paused);
  EXPECT_EQ(p->workers, 0);
  EXPECT_EQ(p->drain.timeout, hours(2));
  EXPECT_EQ(p->drain.policy, DrainPolicy::kEnd);
  EXPECT_EQ(p->status, pool["status"]);
}

TEST(SessionPool, ReadsAListElementWithoutKind) {
  Json pool = minimal();
  pool.erase("kind");
  pool.erase("apiVersion");
  EXPECT_TRUE(SessionPool::parse(pool));
}

TEST(SessionPool, RefusesANameTooLongForItsPods) {
  EXPECT_EQ(pool_error(with("/metadata/name", std::string(50, 'a'))), "");
  EXPECT_EQ(pool_error(with("/metadata/name", std::string(51, 'a'))),
            "InvalidArgument: metadata.name: must be 1 to 50 characters of a-z, 0-9 and '-', "
            "beginning and ending with a letter or digit; pod names are made from it");
}

TEST(SessionPool, DoesNotSilentlyIgnoreWhatItDoesNotKnow) {
  EXPECT_EQ(pool_error(with("/spec/engine/temporal", {{"address", "t:7233"}})),
            "InvalidArgument: spec.engine: is not a known field; known here: template, worker, "
            "sessions, scaling, workers, rollout, drain");
}

TEST(SessionPool, ReadsRolloutAndSchedules) {
  Json pool = with("/spec/rollout", {{"maxSurge", 3}, {"maxUnavailable", "10%"}});
  pool["spec"]["scaling"]["schedules"] = {{{"name", "day"},
                                           {"cron", "0 8 * * MON-FRI"},
                                           {"timeZone", "Europe/Berlin"},
                                           {"duration", "10h"},
                                           {"minWorkers", 4}},
                                          {{"name", "month-end"},
                                           {"cron", "30 6 28-31 * *"},
                                           {"duration", "1h30m"},
                                           {"minWorkers", 6}}};
  const auto p = SessionPool::parse(pool);
  ASSERT_TRUE(p) << p.error().text();
  EXPECT_EQ(p->rollout.max_surge, (IntOrPercent{3, false}));
  EXPECT_EQ(p->rollout.max_unavailable, (IntOrPercent{10, true}));
  ASSERT_EQ(p->scaling.schedules.size(), 2U);
  EXPECT_EQ(p->scaling.schedules[0].name, "day");
  EXPECT_EQ(p->scaling.schedules[0].time_zone, "Europe/Berlin");
  EXPECT_EQ(p->scaling.schedules[0].duration, hours(10));
  EXPECT_EQ(p->scaling.schedules[0].min_workers, 4);
  EXPECT_TRUE(p->scaling.schedules[0].cron.week_days[5]);
  EXPECT_EQ(p->scaling.schedules[1].time_zone, "UTC");
}

TEST(SessionPool, TheAnnotationForcesADeletionUnlessItSaysFalse) {
  const auto forced = [](const Json& annotations) {
    return SessionPool::parse(with("/metadata/annotations", annotations))->force_delete;
  };
  EXPECT_TRUE(forced({{"berth.dev/force-delete", "true"}}));
  EXPECT_TRUE(forced({{"berth.dev/force-delete", ""}}));
  EXPECT_FALSE(forced({{"berth.dev/force-delete", "false"}}));
  EXPECT_FALSE(forced({{"other", "true"}}));
}

TEST(SessionPool, ScheduleNamesAreUnique) {
  const Json schedule = {
      {"name", "day"}, {"cron", "0 8 * * *"}, {"duration", "1h"}, {"minWorkers", 1}};
  EXPECT_EQ(pool_error(with("/spec/scaling/schedules", {schedule, schedule})),
            "InvalidArgument: spec.scaling.schedules[1].name: is the name of an earlier schedule");
}

struct BadField {
  const char* pointer;
  const char* json;
  const char* error;
};

class BadFields : public testing::TestWithParam<BadField> {};

TEST_P(BadFields, AreRefusedWithTheFieldNamed) {
  const auto value = parse_json(GetParam().json);
  ASSERT_TRUE(value);
  EXPECT_EQ(pool_error(with(GetParam().pointer, *value)),
            std::string("InvalidArgument: ") + GetParam().error);
}

INSTANTIATE_TEST_SUITE_P(
    Table, BadFields,
    testing::Values(
        BadField{"/kind", R"("Pod")", "kind: must be SessionPool, is 'Pod'"},
        BadField{"/apiVersion", R"("berth.dev/v1")",
                 "apiVersion: must be berth.dev/v1alpha1, is 'berth.dev/v1'"},
        BadField{"/metadata", "null", "metadata: is required"},
        BadField{"/spec", "null", "spec: is required"},
        BadField{"/spec/sessions", "null", "spec.sessions: is required"},
        BadField{"/spec/scaling", "null", "spec.scaling: is required"},
        BadField{"/spec/scaling/maxWorkers", "null", "spec.scaling.maxWorkers: is required"},
        BadField{"/spec/scaling/maxWorkers", "0",
                 "spec.scaling.maxWorkers: must be between 1 and 100000, is 0"},
        BadField{"/spec/scaling/minWorkers", "7",
                 "spec.scaling.minWorkers: must be at most maxWorkers (6), is 7"},
        BadField{"/spec/scaling/freeSlots", R"("91%")",
                 "spec.scaling.freeSlots: must be between 0% and 90%, is 91%"},
        BadField{"/spec/scaling/freeSlots", R"("-1%")",
                 "spec.scaling.freeSlots: must be between 0% and 90%, is -1%"},
        BadField{"/spec/scaling/freeSlots", R"("25")",
                 "spec.scaling.freeSlots: must be a count like 2 or a share like \"25%\""},
        BadField{"/spec/scaling/freeSlots", "0.25",
                 "spec.scaling.freeSlots: must be a count like 2 or a share like \"25%\""},
        BadField{"/spec/scaling/freeSlots", "-1",
                 "spec.scaling.freeSlots: must be between 0 and 1000000, is -1"},
        BadField{"/spec/scaling/freeSlots", "18446744073709551615",
                 "spec.scaling.freeSlots: must be between 0 and 1000000, is 18446744073709551615"},
        BadField{"/spec/scaling/placement", R"("Random")",
                 "spec.scaling.placement: must be Packed or Spread, is 'Random'"},
        BadField{"/spec/scaling/tolerance", "1.5",
                 "spec.scaling.tolerance: must be between 0.0 and 1.0, is 1.5"},
        BadField{"/spec/scaling/scaleUp", R"({"maxWorkersPerMinute":0})",
                 "spec.scaling.scaleUp.maxWorkersPerMinute: must be between 1 and 100000, is 0"},
        BadField{"/spec/scaling/scaleDown", R"({"window":"1s"})",
                 "spec.scaling.scaleDown.window: is not a known field; known here: "
                 "stabilizationWindow, maxWorkersPerMinute"},
        BadField{"/spec/workers", "-1", "spec.workers: must be between 0 and 100000, is -1"},
        BadField{"/spec/rollout", R"({"maxSurge":0})",
                 "spec.rollout.maxSurge: must not be 0 when maxUnavailable is 0: no worker could "
                 "ever be replaced"},
        BadField{"/spec/rollout", R"({"maxUnavailable":"101%"})",
                 "spec.rollout.maxUnavailable: must be between 0% and 100%, is 101%"},
        BadField{"/spec/scaling/schedules", R"([{}])",
                 "spec.scaling.schedules[0].name: is required"},
        BadField{"/spec/scaling/schedules",
                 R"([{"name":"d","cron":"61 * * * *","duration":"1h","minWorkers":1}])",
                 "spec.scaling.schedules[0].cron: minute: '61' is not between 0 and 59"},
        BadField{"/spec/scaling/schedules",
                 R"([{"name":"d","cron":"* * * * *","duration":"1h","minWorkers":7}])",
                 "spec.scaling.schedules[0].minWorkers: must be between 0 and 6, is 7"},
        BadField{
            "/spec/scaling/schedules",
            R"([{"name":"d","cron":"* * * * *","duration":"1h","minWorkers":1,"timeZone":"../etc"}])",
            "spec.scaling.schedules[0].timeZone: must be the name of a time zone like "
            "Europe/Berlin"},
        BadField{"/spec/scaling/schedules",
                 R"([{"name":"d","cron":"* * * * *","duration":"1s","minWorkers":1}])",
                 "spec.scaling.schedules[0].duration: must be between 1m and 744h, is 1s"},
        BadField{"/spec/drain", R"({"policy":"Kill"})",
                 "spec.drain.policy: must be Wait or End, is 'Kill'"},
        BadField{"/spec/drain", R"({"timeout":"0"})",
                 "spec.drain.timeout: must be between 1s and 87840h, is 0s"},
        BadField{"/spec/template", R"({"containers":[]})",
                 "spec.template.containers: is not a known field; known here: metadata, spec"},
        BadField{"/spec/worker", R"({"image":"a b"})",
                 "spec.worker.image: must not contain white space"},
        BadField{"/spec/worker", R"({"activities":[{"name":"a"}]})",
                 "spec.worker.activities[0]: must have exactly one of command and http"},
        BadField{"/spec/sessions/defaults", R"({"heartbeatTimeout":"1h"})",
                 "spec.sessions.defaults.heartbeatTimeout: must be at most "
                 "limits.maxHeartbeatTimeout (10m), is 1h"},
        BadField{"/spec/scalling", "{}",
                 "spec.scalling: is not a known field; known here: template, worker, sessions, "
                 "scaling, workers, rollout, drain"},
        BadField{
            "/metadata/namespace", R"("a/b")",
            "metadata.namespace: must be 1 to 63 characters of a-z, 0-9 and '-', beginning and "
            "ending with a letter or digit"},
        BadField{"/metadata/name", R"("a.b")",
                 "metadata.name: must be 1 to 50 characters of a-z, 0-9 and '-', beginning and "
                 "ending with a letter or digit; pod names are made from it"},
        BadField{"/metadata/finalizers", "[1]", "metadata.finalizers: must be a list of strings"}));

TEST(SessionPool, TlsNamesASecret) {
  for (const Json& tls : {Json::object(), Json{{"secretName", ""}}, Json{{"secretName", "a/b"}},
                          Json{{"secretName", "Upper"}}}) {
    Json pool = minimal();
    pool["spec"]["worker"]["tls"] = tls;
    EXPECT_EQ(SessionPool::parse(pool).error().field, "spec.worker.tls.secretName") << tls;
  }
}

}  // namespace
}  // namespace berth::api
