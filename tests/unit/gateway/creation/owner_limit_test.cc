#include "tests/unit/gateway/support/gateway_fixture.h"

namespace berth::gateway::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// A pool of two sessions per owner; all calls are "dev"'s.
class OwnerLimitTest : public GatewayTest {
 protected:
  OwnerLimitTest() { limit("files"); }
  void limit(const std::string& name) {
    PoolInfo info;
    info.ns = "default";
    info.name = name;
    info.sessions.max_per_worker = 4;
    info.sessions.max_per_owner = 2;
    gateway_->set_pool("default/" + name, std::make_shared<const PoolInfo>(info));
  }
  void add(const std::string& name) {
    FakeWorker& worker = add_worker(name, 4);
    worker.tells_owners = true;
  }
  /// The worker's word arrives.
  void hear() {
    net_.tell_news();
    loop_.advance(milliseconds(100));
  }
  /// Another replica opens one on that worker.
  void opened_elsewhere(const std::string& worker, const std::string& id,
                        const std::string& owner = "dev") {
    net_.worker(worker).sessions[id] = {.token_hash = {},
                                        .attempts = {"x"},
                                        .resources = {{api::kSlot, 1}},
                                        .used = true,
                                        .owner = owner};
    net_.worker(worker).set_state(api::WorkerState::kActive);
    hear();
  }
};

TEST_F(OwnerLimitTest, RefusesWithAReasonOfItsOwn) {
  add("w1");
  EXPECT_EQ(create("s1")->status(), 201);
  EXPECT_EQ(create("s2")->status(), 201);
  hear();
  const auto third = create("s3");
  EXPECT_EQ(third->status(), 429);
  EXPECT_EQ(third->code(), "OwnerLimit");
  EXPECT_NE(third->body().at("message").get<std::string>().find("maxPerOwner"), std::string::npos);
  EXPECT_TRUE(third->answer()->headers.has("Retry-After"));
  EXPECT_NE(metrics_.text().find("outcome=\"owner_limit\""), std::string::npos);
}

TEST_F(OwnerLimitTest, CountsWhatItOpenedBeforeTheWorkerTellsOfIt) {
  add("w1");
  net_.hold("GET");
  create("s1");
  create("s2");
  EXPECT_EQ(create("s3")->code(), "OwnerLimit");
}

TEST_F(OwnerLimitTest, CountsAllWorkersOfThePoolAndNoOther) {
  limit("other");
  add("w1");
  add("w2");
  FakeWorker& far = add_worker("w3", 4, {}, "other");
  far.tells_owners = true;
  opened_elsewhere("w1", "e1");
  opened_elsewhere("w3", "e2");
  EXPECT_EQ(create("s1")->status(), 201);
  opened_elsewhere("w2", "e3");
  EXPECT_EQ(create("s2")->code(), "OwnerLimit");
}

TEST_F(OwnerLimitTest, OtherOwnersDoNotCount) {
  add("w1");
  opened_elsewhere("w1", "e1", "somebody");
  opened_elsewhere("w1", "e2", "somebody");
  EXPECT_EQ(create("s1")->status(), 201);
}

TEST_F(OwnerLimitTest, RequestsThatWaitCountToo) {
  create("s1");
  create("s2");
  EXPECT_EQ(create("s3")->code(), "OwnerLimit") << "else one owner could make the pool grow";
  EXPECT_EQ(waiting(), 2U);
}

TEST_F(OwnerLimitTest, AnEndedSessionMakesRoom) {
  add("w1");
  create("s1");
  create("s2");
  hear();
  end_session("w1", "s1");
  EXPECT_EQ(create("s3")->status(), 201);
}

TEST_F(OwnerLimitTest, ARepeatOfAnOpenSessionIsNotOneMore) {
  add("w1");
  create("s1");
  create("s2");
  hear();
  EXPECT_EQ(create("s2")->status(), 200);
}

TEST_F(OwnerLimitTest, AWaitingRequestBeyondTheLimitLeavesTheLine) {
  add("w1");
  net_.worker("w1").set_state(api::WorkerState::kCordoned);
  net_.tell_news();
  loop_.run_ready();
  const auto waits = create("s1");
  EXPECT_FALSE(waits->answered());
  net_.worker("w1").sessions["e1"] = {.token_hash = {},
                                      .attempts = {"x"},
                                      .resources = {{api::kSlot, 1}},
                                      .used = true,
                                      .owner = "dev"};
  net_.worker("w1").sessions["e2"] = net_.worker("w1").sessions["e1"];
  net_.worker("w1").set_state(api::WorkerState::kActive);
  net_.tell_news();
  loop_.run_ready();
  EXPECT_EQ(waits->code(), "OwnerLimit");
  EXPECT_EQ(waiting(), 0U);
}

TEST_F(OwnerLimitTest, AWorkersOwnRefusalIsToldAndIsNotAFullWorker) {
  add_worker("w1", 4).max_per_owner = 0;
  net_.worker("w1").tells_owners = true;
  opened_elsewhere("w1", "e1");
  EXPECT_EQ(create("s1")->code(), "OwnerLimit");
  EXPECT_FALSE(gateway_->workers().workers(kPool)[0]->paused);
}

TEST_F(OwnerLimitTest, ARecreateMayGiveUpTheSlotThatIsHeldForIt) {
  add("w1");
  opened_elsewhere("w1", "held");
  opened_elsewhere("w1", "e2");
  EXPECT_EQ(create("s1")->code(), "OwnerLimit");
  EXPECT_EQ(create("s2", {{"recreateToken", "w1.uid-w1.held.ab"}})->status(), 201);
  hear();
  EXPECT_EQ(create("s3", {{"recreateToken", "w1.uid-w1.held.ab"}})->code(), "OwnerLimit")
      << "never more than one beyond";
}

}  // namespace
}  // namespace berth::gateway::testing
