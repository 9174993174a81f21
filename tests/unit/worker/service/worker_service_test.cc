#include "tests/unit/worker/support/service_fixture.h"

namespace berth::worker {
namespace {

TEST_F(ServiceTest, AStoppedProcessExtendsLeasesByTheTimeItStood) {
  open("s1");
  loop_.advance(10s);
  loop_.stall(60s);
  EXPECT_TRUE(table_->check_open(api::SessionId("s1")));
  EXPECT_TRUE(logged("leases are extended"));
  loop_.advance(9s);
  EXPECT_TRUE(table_->check_open(api::SessionId("s1")));
  loop_.advance(2s);
  EXPECT_FALSE(table_->check_open(api::SessionId("s1")));
}

// Takes turns as the real loop does: first all timers that are due, then what had been posted
// before and by them.
class TurnLoop final : public EventLoop {
 public:
  void post(std::function<void()> fn) override { posted_.push_back(std::move(fn)); }
  Cancel call_at(TimePoint when, std::function<void()> fn) override {
    return timers_.call_at(when, std::move(fn));
  }
  const Clock& clock() const override { return timers_.clock(); }
  void turn_after(Duration d) {
    timers_.advance(d);
    for (auto& fn : std::exchange(posted_, {})) {
      fn();
    }
  }

 private:
  fakes::ManualLoop timers_;
  std::vector<std::function<void()>> posted_;
};

TEST_F(ServiceTest, ARenewalThatWaitsWhenTheLeaseExpiresIsReadFirst) {
  TurnLoop loop;
  SessionTableSettings settings;
  settings.sessions.max_per_worker = 1;
  SessionTable table(settings, loop.clock(), ledger_);
  WorkerService service({loop, random_, table, registry_, directories_, worker_metrics_, Log()},
                        {});
  api::CreateSession ask;
  ask.id = api::SessionId("s1");
  ASSERT_TRUE(service.create(ask));
  loop.post([&] { service.heard(ask.id); });
  loop.turn_after(20s);
  EXPECT_TRUE(table.check_open(ask.id));
  loop.turn_after(20s);
  EXPECT_FALSE(table.check_open(ask.id));
}

TEST_F(ServiceTest, SmallDelaysAreNoStall) {
  for (int i = 0; i < 100; ++i) {
    loop_.stall(600ms);
  }
  EXPECT_FALSE(logged("leases are extended"));
}

TEST_F(ServiceTest, ShutdownServesThenCancelsThenReportsDrained) {
  open("s1", {{"heartbeatTimeout", "10m"}});
  start("s1", "a");
  bool drained = false;
  service_->shut_down(15s, [&] { drained = true; });
  EXPECT_EQ(open("s2")->code(), "Draining");
  EXPECT_EQ(start("s1", "b")->status(), 202);
  loop_.advance(15s);
  EXPECT_EQ(executor_->runs.at("a")->cancels.size(), 1u);
  EXPECT_EQ(executor_->runs.at("b")->cancels.size(), 1u);
  executor_->finish("a", api::ActivityState::kCancelled);
  EXPECT_FALSE(drained);
  executor_->finish("b", api::ActivityState::kCancelled);
  EXPECT_TRUE(drained);
  EXPECT_EQ(table_->find_ended(api::SessionId("s1"))->reason, api::EndReason::kWorkerShutdown);
}

TEST_F(ServiceTest, AnIdleWorkerDrainsAtOnce) {
  bool drained = false;
  service_->shut_down(1h, [&] { drained = true; });
  EXPECT_TRUE(drained);
}

TEST_F(ServiceTest, ASecondSignalEndsSessionsNow) {
  open("s1", {{"heartbeatTimeout", "10m"}});
  int drained = 0;
  service_->shut_down(1h, [&] { ++drained; });
  service_->shut_down(0s, [&] { ++drained; });
  loop_.run_ready();
  EXPECT_EQ(drained, 1);
}

TEST_F(ServiceTest, EndedSessionsAreAuditedWithTheirOwner) {
  open("s1", {{"owner", "ada@example"}});
  remove(path("s1"), token("s1"));
  bool found = false;
  for (const std::string& line : log_) {
    found = found || (line.find("session ended") != std::string::npos &&
                      line.find("ada@example") != std::string::npos &&
                      line.find("Completed") != std::string::npos);
  }
  EXPECT_TRUE(found);
}

}  // namespace
}  // namespace berth::worker
