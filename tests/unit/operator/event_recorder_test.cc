#include "operator/controller/event_recorder.h"

#include <gtest/gtest.h>

#include "tests/unit/operator/with_fake_api.h"

namespace berth::op {
namespace {

using namespace std::chrono_literals;

constexpr const char* kEventsPath = "/apis/events.k8s.io/v1/namespaces/ns/events";

class EventRecorderTest : public WithFakeApi {
 protected:
  static EventRecorder::Regarding pool(const std::string& uid) { return {"ns", "files", uid}; }
  void record(const std::string& reason, const std::string& uid = "u1", bool warning = false) {
    recorder_.record(pool(uid), reason, "because", warning);
    loop_.run_ready();
  }
  Json posted() {
    const auto call = api_.expect_request("POST", kEventsPath);
    Json event = *parse_json(call->request().body);
    call->answer(http::Response::json(201, "{}"));
    loop_.run_ready();
    return event;
  }

  EventRecorder recorder_{loop_, client_, random_, "operator-1", Log(), metrics_};
};

TEST_F(EventRecorderTest, SaysWhatKubectlDescribeShows) {
  record("PodRefused", "u1", true);
  const Json event = posted();
  EXPECT_EQ(event.at("reason"), "PodRefused");
  EXPECT_EQ(event.at("type"), "Warning");
  EXPECT_EQ(event.at("note"), "because");
  EXPECT_EQ(event.at("reportingController"), "berth.dev/operator");
  EXPECT_EQ(event.at("reportingInstance"), "operator-1");
  EXPECT_EQ(event.at("regarding"), (Json{{"apiVersion", "berth.dev/v1alpha1"},
                                         {"kind", "SessionPool"},
                                         {"namespace", "ns"},
                                         {"name", "files"},
                                         {"uid", "u1"}}));
}

TEST_F(EventRecorderTest, RepeatsBecomeOneSeriesWrittenAtMostOnceAMinute) {
  record("WorkerCreated");
  const std::string name = posted().at("metadata").at("name");
  record("WorkerCreated");
  EXPECT_EQ(api_.waiting(), 0U);
  loop_.advance(1min);
  record("WorkerCreated");
  const auto call = api_.expect_request("PATCH", std::string(kEventsPath) + "/" + name);
  EXPECT_EQ(parse_json(call->request().body)->at("series").at("count"), 3);
}

TEST_F(EventRecorderTest, APoolMadeAgainUnderItsNameHasEventsOfItsOwn) {
  record("WorkerCreated", "u1");
  (void)posted();
  record("WorkerCreated", "u2");
  EXPECT_EQ(posted().at("regarding").at("uid"), "u2")
      << "kubectl describe shows those of this uid only";
}

TEST_F(EventRecorderTest, AnEventThatTheServerHasForgottenIsMadeAnew) {
  record("WorkerCreated");
  const std::string name = posted().at("metadata").at("name");
  loop_.advance(1min);
  record("WorkerCreated");
  api_.expect_request("PATCH", std::string(kEventsPath) + "/" + name)
      ->answer(http::Response::json(404, R"({"kind": "Status", "reason": "NotFound"})"));
  loop_.run_ready();
  record("WorkerCreated");
  EXPECT_NE(posted().at("metadata").at("name"), name);
}

TEST_F(EventRecorderTest, FlushWaitsForWhatIsOnItsWayAndNotForEver) {
  bool flushed = false;
  record("WorkerCreated");
  recorder_.flush([&] { flushed = true; });
  loop_.run_ready();
  EXPECT_FALSE(flushed);
  (void)posted();
  EXPECT_TRUE(flushed);

  flushed = false;
  record("WorkerDeleted");
  recorder_.flush([&] { flushed = true; });
  loop_.advance(2s);
  EXPECT_TRUE(flushed);
}

TEST_F(EventRecorderTest, TooManyAreDroppedAndCounted) {
  for (int i = 0; i < 40; ++i) {
    record("Reason" + std::to_string(i));
  }
  EXPECT_EQ(api_.waiting(), 32U);
  EXPECT_NE(metrics_.text().find("berth_operator_events_dropped_total 8"), std::string::npos);
}

}  // namespace
}  // namespace berth::op
