#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>

#include "tests/integration/system/stack.h"

/// Pools that grow and shrink while the operator dies and the API server misbehaves.
namespace berth::system_test {
namespace {

using namespace std::chrono_literals;
using client::create_session;
using client::execute_activity;
using devcluster::FaultRule;

constexpr int kSlots = 4;
constexpr int kWorkers = 6;

/// Callers that open, use and complete short sessions, and what they saw.
class Churn {
 public:
  explicit Churn(client::ClientOptions options) : client_(std::move(options)) {}
  ~Churn() { join(); }

  void start(int callers, int sessions_each) {
    for (int i = 0; i < callers; ++i) {
      threads_.emplace_back([this, sessions_each] {
        for (int n = 0; n < sessions_each; ++n) {
          one_session();
        }
      });
    }
  }
  void join() {
    for (std::thread& t : threads_) {
      t.join();
    }
    threads_.clear();
  }
  int done() const { return done_; }
  std::vector<std::string> failures() {
    const std::lock_guard lock(mutex_);
    return failures_;
  }
  int most_on_a_worker() {
    const std::lock_guard lock(mutex_);
    return most_;
  }

 private:
  void one_session() {
    client::SessionOptions options;
    options.heartbeat_timeout = 20s;
    const auto session = create_session(client_.context(), options).get();
    if (!session) {
      failed("create: " + session.error().text());
    } else {
      const std::string worker = session_info(*session)->worker;
      held(worker, 1);
      const auto ran = execute_activity(*session, "exec", {{"argv", {"true"}}}).get();
      if (!ran) {
        failed("exec: " + ran.error().text());
      }
      held(worker, -1);
      if (const auto completed = complete_session(*session).get(); !completed) {
        failed("complete: " + completed.error().text());
      }
    }
    ++done_;
  }
  void held(const std::string& worker, int change) {
    const std::lock_guard lock(mutex_);
    most_ = std::max(most_, held_[worker] += change);
  }
  void failed(std::string what) {
    const std::lock_guard lock(mutex_);
    failures_.push_back(std::move(what));
  }

  client::Client client_;
  std::vector<std::thread> threads_;
  std::atomic<int> done_ = 0;
  std::mutex mutex_;
  std::map<std::string, int> held_;
  int most_ = 0;
  std::vector<std::string> failures_;
};

class Scaling : public ::testing::Test {
 protected:
  void SetUp() override {
    stack_.start_gateway();
    stack_.start_operator();
    stack_.add_pool("p", Stack::quick_pool(kWorkers, kSlots));
  }

  /// Notes the pods there are, and what is against the pool's limits.
  void look() {
    const std::vector<Json> pods = stack_.pods();
    most_pods_ = std::max(most_pods_, pods.size());
    for (const Json& member : stack_.pool("p").value("members", Json::array())) {
      most_used_ = std::max(most_used_, member.value("sessions", std::int64_t{0}));
    }
  }
  bool look_until(const std::function<bool()>& condition, Duration limit = 30s) {
    return stack_.await(
        [&] {
          look();
          return condition();
        },
        limit);
  }

  Stack stack_;
  std::size_t most_pods_ = 0;
  std::int64_t most_used_ = 0;
};

TEST_F(Scaling, ChurnThroughOperatorKillsEndsNoSessionAndPassesNoLimit) {
  constexpr int kCallers = 24;
  constexpr int kEach = 10;
  Churn churn(stack_.client_options("p"));
  churn.start(kCallers, kEach);
  // Killed while workers are being created ...
  ASSERT_TRUE(look_until([&] { return !stack_.pods().empty() && stack_.waiting("p") > 0; }));
  stack_.kill_operator();
  stack_.start_operator();
  ASSERT_TRUE(look_until([&] { return churn.done() == kCallers * kEach; }, 60s)) << churn.done();
  churn.join();
  // ... and while they are being removed, with new callers at once.
  const std::size_t before = stack_.pods().size();
  ASSERT_TRUE(look_until([&] { return stack_.pods().size() < before; }, 60s));
  stack_.kill_operator();
  churn.start(kCallers, kEach);
  stack_.start_operator();
  ASSERT_TRUE(look_until([&] { return churn.done() == 2 * kCallers * kEach; }, 60s));
  churn.join();
  EXPECT_THAT(churn.failures(), ::testing::IsEmpty());
  EXPECT_LE(churn.most_on_a_worker(), kSlots);
  EXPECT_LE(most_used_, kSlots);
  // Draining and new workers overlap by at most the surge of 25 %.
  EXPECT_LE(most_pods_, static_cast<std::size_t>(kWorkers + 2));
  EXPECT_TRUE(look_until([&] { return stack_.pods().empty(); }, 60s));
}

struct Fault {
  std::string name;
  std::vector<FaultRule> rules;
  bool close_watches = false;
  bool forget_history = false;
};

class ScalingWithFaults : public Scaling, public ::testing::WithParamInterface<Fault> {};

TEST_P(ScalingWithFaults, ThePoolStillGrowsAndServesItsCallers) {
  const Fault& fault = GetParam();
  stack_.on_loop([&] {
    auto& cluster = stack_.cluster();
    for (const FaultRule& rule : fault.rules) {
      cluster.faults().add(rule);
    }
    if (fault.forget_history) {
      cluster.store().expire_history();
    }
    if (fault.close_watches) {
      ASSERT_GT(cluster.server().watches(), 0U);
      cluster.server().close_watches(!fault.forget_history);
    }
  });
  client::Client client(stack_.client_options("p"));
  std::vector<client::Future<client::Context>> asked;
  for (int i = 0; i < 2 * kSlots; ++i) {
    asked.push_back(create_session(client.context(), {}));
  }
  for (const auto& f : asked) {
    const auto session = f.get();
    ASSERT_TRUE(session) << session.error().text();
  }
  look();
  EXPECT_LE(most_pods_, static_cast<std::size_t>(kWorkers));
  stack_.on_loop([&] {
    if (!fault.rules.empty()) {
      EXPECT_GT(stack_.cluster().faults().hits(), 0U) << "the fault was never met";
    }
  });
}

FaultRule rule(FaultRule::Action action, std::string method, std::string path, int times,
               int status = 500) {
  FaultRule r;
  r.action = action;
  r.method = std::move(method);
  r.path = std::move(path);
  r.times = times;
  r.status = status;
  return r;
}

FaultRule too_many_requests() {
  FaultRule r = rule(FaultRule::Action::kStatus, "POST", "/pods", 2, 429);
  r.retry_after = 1s;
  return r;
}

INSTANTIATE_TEST_SUITE_P(
    ApiServer, ScalingWithFaults,
    ::testing::Values(
        Fault{"TooManyRequests", {too_many_requests()}},
        Fault{"InternalErrors", {rule(FaultRule::Action::kStatus, "", "/pods", 3, 500)}},
        Fault{"LostAnswers", {rule(FaultRule::Action::kDropAfter, "POST", "/pods", 2)}},
        Fault{"WatchesCut",
              {rule(FaultRule::Action::kDropBefore, "GET", "watch=", 3)},
              /*close_watches=*/true},
        Fault{"HistoryGone", {}, /*close_watches=*/true, /*forget_history=*/true}),
    [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace berth::system_test
