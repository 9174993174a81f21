#include "operator/track/volume_trouble.h"

#include <gtest/gtest.h>

#include "tests/unit/operator/with_fake_api.h"

namespace berth::op {
namespace {

using namespace std::chrono_literals;

class VolumeTroubleTest : public WithFakeApi {
 protected:
  VolumeTrouble::Waiting pod(const std::string& uid, Duration waited) {
    return {uid, loop_.clock().now() - waited};
  }
  void answer(const Json& items) {
    const auto call = api_.expect_request("GET", kEvents);
    target_ = call->request().target;
    call->answer(http::Response::json(200, dump_json(Json{{"items", items}})));
    loop_.run_ready();
  }
  static Json event(const char* reason, const char* note, const char* time) {
    return {{"reason", reason}, {"note", note}, {"deprecatedLastTimestamp", time}};
  }

  static constexpr const char* kEvents = "/apis/events.k8s.io/v1/namespaces/ns/events";
  std::vector<std::string> lines_;
  int changes_ = 0;
  VolumeTrouble trouble_{loop_, client_,
                         Log::to_function([this](const std::string& l) { lines_.push_back(l); }),
                         "ns", [this] { ++changes_; }};
  std::string target_;
};

TEST_F(VolumeTroubleTest, AsksAfterAWhileAndKeepsTheKubeletsLastWord) {
  trouble_.watch(pod("u1", 0s));
  loop_.advance(VolumeTrouble::kPatience - 1ms);
  EXPECT_EQ(api_.waiting(), 0U) << "most pods have their volumes by then";
  loop_.advance(1ms);
  answer({event("FailedMount", "secret \"b\" not found", "2026-03-02T08:00:09Z"),
          event("FailedMount", "configmap \"a\" not found", "2026-03-02T08:00:05Z"),
          event("Unhealthy", "no", "2026-03-02T08:00:10Z")});
  EXPECT_NE(target_.find("regarding.uid%3Du1"), std::string::npos) << target_;
  EXPECT_EQ(trouble_.why("u1"), "secret \"b\" not found");
  EXPECT_EQ(trouble_.why("u2"), "") << "nobody has asked about that one";
  EXPECT_EQ(changes_, 1);
}

TEST_F(VolumeTroubleTest, AsksAgainAsLongAsThePodWaits) {
  trouble_.watch(pod("u1", 1min));
  loop_.advance(0s);
  answer(Json::array());
  EXPECT_EQ(changes_, 0);
  trouble_.watch(pod("u1", 1min));
  loop_.advance(VolumeTrouble::kLookAgain);
  answer(Json::array({event("FailedMount", "x", "")}));
  EXPECT_EQ(trouble_.why("u1"), "x");
  loop_.advance(VolumeTrouble::kLookAgain);
  answer(Json::array({event("FailedMount", "x", "")}));
  EXPECT_EQ(changes_, 1);
  trouble_.watch(std::nullopt);
  EXPECT_EQ(trouble_.why("u1"), "");
  EXPECT_EQ(trouble_.why(""), "");
  loop_.advance(10min);
  EXPECT_EQ(api_.waiting(), 0U);
}

TEST_F(VolumeTroubleTest, WithoutTheRightItSaysSoOnceAndKnowsNothing) {
  trouble_.watch(pod("u1", 1min));
  loop_.advance(0s);
  for (int i = 0; i < 3; ++i) {
    api_.expect_request("GET", kEvents)
        ->answer(http::Response::json(403, R"({"kind":"Status","reason":"Forbidden"})"));
    loop_.run_ready();
    loop_.advance(VolumeTrouble::kLookAgain);
  }
  EXPECT_EQ(trouble_.why("u1"), "");
  EXPECT_EQ(lines_.size(), 1U);
}

}  // namespace
}  // namespace berth::op
