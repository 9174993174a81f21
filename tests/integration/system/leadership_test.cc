#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "berth/kube/object.h"
#include "tests/integration/system/stack.h"

/// Two real operators on one API server.
namespace berth::system_test {
namespace {

using namespace std::chrono_literals;
using client::create_session;
using client::execute_activity;
using std::chrono::steady_clock;

class Leadership : public ::testing::Test {
 protected:
  void SetUp() override {
    stack_.start_gateway();
    a_ = stack_.start_replica("operator-a");
    ASSERT_TRUE(stack_.await([&] { return !holder().empty(); }));
    first_ = holder();
    b_ = stack_.start_replica("operator-b");
    stack_.add_pool("p", Stack::quick_pool(4, 2));
  }

  Json lease() { return stack_.object("leases", "default", "berth-operator"); }
  std::string holder() { return string_at(lease(), {"spec", "holderIdentity"}); }
  std::int64_t transitions() {
    return get_int(lease().value("spec", Json::object()), "leaseTransitions").value_or(-1);
  }
  bool second_leads(Duration limit) {
    const auto another = [&] {
      const std::string now = holder();  // Once: it is nobody's for a moment.
      return !now.empty() && now != first_;
    };
    return stack_.await(another, limit);
  }
  static testing::AssertionResult works(const client::Context& session) {
    const auto ran = execute_activity(session, "exec", {{"argv", {"true"}}}).get();
    return ran ? testing::AssertionSuccess() : testing::AssertionFailure() << ran.error().text();
  }

  Stack stack_;
  std::unique_ptr<TestProcess> a_;
  std::unique_ptr<TestProcess> b_;
  std::string first_;
};

TEST_F(Leadership, ALeaderThatIsToldToEndHandsOverWithinThreeSeconds) {
  const auto begin = steady_clock::now();
  a_->signal(SIGTERM);
  ASSERT_TRUE(second_leads(10s));
  const auto took = steady_clock::now() - begin;
  RecordProperty("hand_over_ms", static_cast<int>(took / 1ms));
  std::cout << "hand-over took " << took / 1ms << " ms\n";
  EXPECT_LT(took, 3s);
  EXPECT_TRUE(a_->wait(5s));
  EXPECT_EQ(a_->status(), 0) << a_->output();
  EXPECT_EQ(transitions(), 1);
}

TEST_F(Leadership, AKilledLeadersLeaseIsTakenOnceItHasRunOut) {
  const auto begin = steady_clock::now();
  a_->kill();
  EXPECT_FALSE(second_leads(8s)) << "nobody can know that it is dead";
  ASSERT_TRUE(second_leads(15s));
  std::cout << "take-over took " << (steady_clock::now() - begin) / 1ms << " ms\n";
}

TEST_F(Leadership, ALeaderPausedPastItsLeaseDoesNoHarmWhenItResumes) {
  client::Client client(stack_.client_options("p"));
  const auto before = create_session(client.context(), {}).get();
  ASSERT_TRUE(before) << before.error().text();
  a_->signal(SIGSTOP);
  ASSERT_TRUE(second_leads(30s));
  const auto during = create_session(client.context(), {}).get();
  ASSERT_TRUE(during) << during.error().text();
  const std::string second = holder();
  a_->signal(SIGCONT);
  ASSERT_TRUE(a_->wait(5s)) << "an ex-leader exits at once";
  EXPECT_EQ(a_->status(), 1);
  EXPECT_THAT(a_->output(), ::testing::HasSubstr("leadership lost"));
  EXPECT_EQ(holder(), second);
  EXPECT_EQ(transitions(), 1);
  EXPECT_TRUE(works(*before));
  EXPECT_TRUE(works(*during));
}

TEST_F(Leadership, ALeaseDeletedAgainAndAgainHasOneLeaderAllTheTime) {
  client::Client client(stack_.client_options("p"));
  for (int i = 0; i < 5; ++i) {
    stack_.remove("leases", "default", "berth-operator");
    ASSERT_TRUE(stack_.await([&] { return !holder().empty(); }, 10s));
    EXPECT_EQ(holder(), first_) << "made again by its holder, or in its name";
    const auto session = create_session(client.context(), {}).get();
    ASSERT_TRUE(session) << session.error().text();
    EXPECT_TRUE(works(*session));
  }
  EXPECT_TRUE(a_->running());
  EXPECT_TRUE(b_->running());
}

TEST_F(Leadership, AStandbyIsReadyAndAStoppedLoopAnswersNoProbe) {
  // Once its caches are synced, though it does not lead.
  EXPECT_TRUE(stack_.await([&] { return stack_.probe("operator-b", "/readyz") == 200; }));
  EXPECT_EQ(holder(), first_);
  EXPECT_EQ(stack_.probe("operator-b", "/healthz"), 200);
  b_->signal(SIGSTOP);
  EXPECT_EQ(stack_.probe("operator-b", "/healthz"), 0);
  b_->signal(SIGCONT);
  EXPECT_EQ(stack_.probe("operator-b", "/healthz"), 200);
}

}  // namespace
}  // namespace berth::system_test
