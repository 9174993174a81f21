#include "berth/base/thread_pool.h"

#include <gtest/gtest.h>

#include <latch>
#include <memory>
#include <utility>

namespace berth {
namespace {

TEST(ThreadPool, RunsAsManyJobsAtOnceAsItHasThreads) {
  std::latch all_running(3);
  ThreadPool pool(3, 0);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(pool.try_run([&] { all_running.arrive_and_wait(); }));
  }
  all_running.wait();
}

TEST(ThreadPool, RefusesWhatFitsNeitherThreadsNorQueue) {
  std::latch started(1);
  std::latch hold(1);
  std::latch second_ran(1);
  ThreadPool pool(1, 1);
  ASSERT_TRUE(pool.try_run([&] {
    started.count_down();
    hold.wait();
  }));
  started.wait();
  EXPECT_TRUE(pool.try_run([&] { second_ran.count_down(); }));
  EXPECT_FALSE(pool.try_run([] {}));
  hold.count_down();
  second_ran.wait();
}

TEST(ThreadPool, ItsDestructorDropsWhatWaitsAndThenWaitsForWhatRuns) {
  std::latch started(1);
  std::latch second_dropped(1);
  bool first_finished = false;
  bool second_ran = false;
  {
    ThreadPool pool(1, 1);
    ASSERT_TRUE(pool.try_run([&] {
      started.count_down();
      second_dropped.wait();
      first_finished = true;
    }));
    started.wait();
    std::shared_ptr<void> told(nullptr, [&](void*) { second_dropped.count_down(); });
    ASSERT_TRUE(pool.try_run([&second_ran, held = std::move(told)] { second_ran = true; }));
  }
  EXPECT_TRUE(first_finished);
  EXPECT_FALSE(second_ran);
}

}  // namespace
}  // namespace berth
