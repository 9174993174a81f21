#include "berth/kube/work_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/fakes/manual_loop.h"

namespace berth::kube {
namespace {
using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class WorkQueueTest : public ::testing::Test {
 protected:
  struct Running {
    std::string key;
    WorkQueue::Done done;
  };
  WorkQueue make(int concurrency) {
    return WorkQueue(loop_, "pool", concurrency, metrics_,
                     [this](const std::string& key, WorkQueue::Done done) {
                       started_.push_back(key);
                       running_.push_back({key, std::move(done)});
                     });
  }
  void finish(const std::string& key, ReconcileResult result = ReconcileResult::ok()) {
    const auto it = std::find_if(running_.begin(), running_.end(),
                                 [&](const Running& r) { return r.key == key; });
    ASSERT_NE(it, running_.end()) << key;
    const auto done = std::move(it->done);
    running_.erase(it);
    done(result);
    loop_.run_ready();
  }
  void add(WorkQueue& q, const std::string& key) {
    q.add(key);
    loop_.run_ready();
  }

  fakes::ManualLoop loop_;
  Metrics metrics_;
  std::vector<std::string> started_;
  std::vector<Running> running_;
};

TEST_F(WorkQueueTest, WorksInOrderAndNotInsideAdd) {
  WorkQueue q = make(10);
  q.start();
  q.add("a");
  q.add("b");
  EXPECT_TRUE(started_.empty());
  loop_.run_ready();
  EXPECT_THAT(started_, ElementsAre("a", "b"));
}

TEST_F(WorkQueueTest, NothingRunsBeforeStart) {
  WorkQueue q = make(1);
  add(q, "a");
  EXPECT_TRUE(started_.empty());
  EXPECT_EQ(q.depth(), 1u);
  q.start();
  loop_.run_ready();
  EXPECT_THAT(started_, ElementsAre("a"));
}

TEST_F(WorkQueueTest, EqualKeysMerge) {
  WorkQueue q = make(1);
  q.start();
  q.add("a");
  q.add("a");
  add(q, "a");
  EXPECT_THAT(started_, ElementsAre("a"));
  finish("a");
  EXPECT_THAT(started_, ElementsAre("a"));
}

TEST_F(WorkQueueTest, AKeyAddedWhileItIsWorkedOnComesOnceMoreAndNotBeside) {
  WorkQueue q = make(10);
  q.start();
  add(q, "a");
  add(q, "a");
  add(q, "a");
  EXPECT_THAT(started_, ElementsAre("a"));
  finish("a");
  EXPECT_THAT(started_, ElementsAre("a", "a"));
  finish("a");
  EXPECT_THAT(started_, ElementsAre("a", "a"));
}

TEST_F(WorkQueueTest, NoMoreThanTheGivenNumberRunsAtATime) {
  WorkQueue q = make(2);
  q.start();
  for (const char* key : {"a", "b", "c"}) {
    add(q, key);
  }
  EXPECT_THAT(started_, ElementsAre("a", "b"));
  EXPECT_EQ(q.depth(), 1u);
  finish("b");
  EXPECT_THAT(started_, ElementsAre("a", "b", "c"));
}

TEST_F(WorkQueueTest, NewsGoesBeforeBulk) {
  WorkQueue q = make(1);
  for (const char* key : {"a", "b", "c"}) {
    q.add(key, Urgency::kBulk);
  }
  q.add("new", Urgency::kNews);
  q.add("c");  // News of a key that was due anyway.
  EXPECT_EQ(q.depth(), 5u - 1u);
  q.start();
  loop_.run_ready();
  for (const char* key : {"c", "new", "a", "b"}) {
    finish(key);
  }
  EXPECT_THAT(started_, ElementsAre("c", "new", "a", "b")) << "in the order of their first adds";
}

TEST_F(WorkQueueTest, BulkIsNoNewsOfAKeyThatIsDue) {
  WorkQueue q = make(1);
  q.add("a");
  q.add("b", Urgency::kBulk);
  q.add("a", Urgency::kBulk);
  q.start();
  loop_.run_ready();
  finish("a");
  finish("b");
  EXPECT_THAT(started_, ElementsAre("a", "b"));
}

TEST_F(WorkQueueTest, NewsOfAKeyThatIsWorkedOnGoesAheadAfterwards) {
  WorkQueue q = make(1);
  q.start();
  add(q, "a");
  q.add("a", Urgency::kBulk);
  q.add("b", Urgency::kBulk);
  add(q, "a");
  finish("a");
  finish("a");
  finish("b");
  EXPECT_THAT(started_, ElementsAre("a", "a", "b"));
}

TEST_F(WorkQueueTest, NewsThatComesWhileThereIsMuchToDoNeedNotWaitForAllOfIt) {
  std::vector<std::string> done;
  WorkQueue q(loop_, "pool", 2, metrics_, [&](const std::string& key, const WorkQueue::Done& d) {
    if (key == "0") {
      loop_.post([&q] { q.add("news"); });
    }
    done.push_back(key);
    d(ReconcileResult::ok());
  });
  for (int i = 0; i < 100; ++i) {
    q.add(std::to_string(i), Urgency::kBulk);
  }
  q.start();
  loop_.run_ready();
  ASSERT_EQ(done.size(), 101u);
  EXPECT_EQ(std::find(done.begin(), done.end(), "news") - done.begin(), 2);
}

TEST_F(WorkQueueTest, FailuresBackOffPerKeyToAMinuteUntilOneSucceeds) {
  WorkQueue q = make(1);
  q.start();
  add(q, "a");
  Duration expected = 5ms;
  for (int i = 0; i < 20; ++i) {
    finish("a", ReconcileResult::error());
    loop_.advance(expected - 1ns);
    ASSERT_TRUE(running_.empty()) << i;
    loop_.advance(1ns);
    ASSERT_EQ(running_.size(), 1u) << i;
    expected = std::min<Duration>(expected * 2, 60s);
  }
  EXPECT_EQ(expected, Duration(60s));
  finish("a");
  add(q, "a");
  finish("a", ReconcileResult::error());
  loop_.advance(5ms);
  EXPECT_EQ(running_.size(), 1u);
}

TEST_F(WorkQueueTest, AFailureMayAskForALaterTimeThanItsBackoff) {
  WorkQueue q = make(1);
  q.start();
  add(q, "a");
  finish("a", ReconcileResult{true, Duration(3s)});
  loop_.advance(3s - 1ns);
  EXPECT_TRUE(running_.empty());
  loop_.advance(1ns);
  EXPECT_EQ(running_.size(), 1u);
}

TEST_F(WorkQueueTest, DelayedAddsMergeToTheEarlierTime) {
  WorkQueue q = make(1);
  q.start();
  q.add_after("a", 10s);
  q.add_after("a", 2s);
  q.add_after("a", 5s);
  loop_.advance(2s);
  EXPECT_THAT(started_, ElementsAre("a"));
  finish("a");
  loop_.advance(1min);
  EXPECT_THAT(started_, ElementsAre("a"));
}

TEST_F(WorkQueueTest, AnAddTakesThePlaceOfADelayedOne) {
  WorkQueue q = make(1);
  q.start();
  add(q, "a");
  finish("a", ReconcileResult::after(10s));
  add(q, "a");
  EXPECT_EQ(started_.size(), 2u);
  finish("a");
  loop_.advance(1min);
  EXPECT_EQ(started_.size(), 2u);
}

TEST_F(WorkQueueTest, ADelayedAddDuringWorkComesAtItsTime) {
  WorkQueue q = make(1);
  q.start();
  add(q, "a");
  q.add_after("a", 2s);
  finish("a");
  loop_.advance(2s);
  EXPECT_EQ(started_.size(), 2u);
}

TEST_F(WorkQueueTest, ADroppedDoneIsAFailure) {
  WorkQueue q = make(1);
  q.start();
  add(q, "a");
  running_.clear();
  loop_.advance(5ms);
  EXPECT_THAT(started_, ElementsAre("a", "a"));
}

TEST_F(WorkQueueTest, ASecondDoneDoesNothing) {
  WorkQueue q = make(1);
  q.start();
  add(q, "a");
  const auto done = running_[0].done;
  done(ReconcileResult::ok());
  add(q, "a");
  done(ReconcileResult::ok());
  add(q, "a");
  EXPECT_EQ(started_.size(), 2u);
}

TEST_F(WorkQueueTest, StopWaitsForWhatRunsAndTakesNoMore) {
  WorkQueue q = make(1);
  q.start();
  add(q, "a");
  add(q, "b");
  q.add_after("c", 1s);
  bool idle = false;
  q.stop([&] { idle = true; });
  add(q, "d");
  loop_.advance(10s);
  EXPECT_FALSE(idle);
  finish("a", ReconcileResult::error());
  EXPECT_TRUE(idle);
  loop_.advance(10min);
  EXPECT_THAT(started_, ElementsAre("a"));
}

TEST_F(WorkQueueTest, StopOfAnIdleQueueAnswersAtOnceButNotInside) {
  WorkQueue q = make(1);
  bool idle = false;
  q.stop([&] { idle = true; });
  EXPECT_FALSE(idle);
  loop_.run_ready();
  EXPECT_TRUE(idle);
}

TEST_F(WorkQueueTest, ADoneMayOutliveTheQueue) {
  {
    WorkQueue q = make(1);
    q.start();
    add(q, "a");
  }
  running_[0].done(ReconcileResult::ok());
  running_.clear();
  loop_.advance(1min);
  EXPECT_EQ(started_.size(), 1u);
}

TEST_F(WorkQueueTest, AnIdleQueueKeepsNoTimer) {
  WorkQueue q = make(1);
  q.start();
  add(q, "a");
  finish("a");
  loop_.advance(2s);
  EXPECT_EQ(loop_.timers(), 0u);
}

TEST_F(WorkQueueTest, KnowsTheLongestRunning) {
  WorkQueue q = make(2);
  q.start();
  EXPECT_EQ(q.longest_running(), Duration(0));
  add(q, "a");
  loop_.advance(3s);
  add(q, "b");
  loop_.advance(1s);
  EXPECT_EQ(q.longest_running(), Duration(4s));
  EXPECT_THAT(metrics_.text(), HasSubstr("workqueue_longest_running_processor_seconds{"
                                         "controller=\"pool\",name=\"pool\"} 4"));
}

TEST_F(WorkQueueTest, CountsUnderTheNamesOfTheField) {
  WorkQueue q = make(3);
  q.start();
  add(q, "a");
  finish("a", ReconcileResult::error());
  loop_.advance(5ms);
  finish("a", ReconcileResult::after(1h));
  add(q, "b");
  finish("b");
  const std::string text = metrics_.text();
  for (const char* line :
       {"workqueue_adds_total{controller=\"pool\",name=\"pool\"} 3",
        "workqueue_retries_total{controller=\"pool\",name=\"pool\"} 1",
        "workqueue_depth{controller=\"pool\",name=\"pool\",priority=\"0\"} 0",
        "workqueue_depth{controller=\"pool\",name=\"pool\",priority=\"-100\"} 0",
        "controller_runtime_reconcile_total{controller=\"pool\",result=\"success\"} 1",
        "controller_runtime_reconcile_total{controller=\"pool\",result=\"error\"} 1",
        "controller_runtime_reconcile_total{controller=\"pool\",result=\"requeue_after\"} 1",
        "controller_runtime_reconcile_errors_total{controller=\"pool\"} 1",
        "controller_runtime_max_concurrent_reconciles{controller=\"pool\"} 3",
        "workqueue_queue_duration_seconds_count{controller=\"pool\",name=\"pool\"} 3"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

}  // namespace
}  // namespace berth::kube
