// Random traces of a pool: sessions come and go, workers start, crash, fall silent and come back,
// nodes leave, templates change, the pool is deleted, and two leaders with stale views of their own
// act on it late. The promises of operator/plan/plan.h must hold in every step.

#include <gtest/gtest.h>

#include "tests/property/plan_world.h"

namespace berth::op {
namespace {

constexpr int kSteps = 200;

class PlanProperty : public testing::TestWithParam<std::uint32_t> {};

TEST_P(PlanProperty, HoldsItsPromisesAndComesToRest) {
  for (std::uint32_t trace = 0; trace < 40; ++trace) {
    const std::uint32_t seed = GetParam() * 1000 + trace;
    PlanWorld world(seed, RetireBy::kCompareAndSwap);
    for (int i = 0; i < kSteps; ++i) {
      world.step();
    }
    world.quiesce();
    ASSERT_TRUE(world.violations().empty())
        << "seed " << seed << ": " << world.violations()[0] << "\n"
        << world.describe();
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, PlanProperty, testing::Range(1u, 11u));

// A test of the test: without the worker's one step from "holds no session" to "never again" two
// leaders kill a session sooner or later, however often they look.
TEST(PlanPropertyItself, CatchesALeaderThatReadsAndCordonsInsteadOfRetiring) {
  int killed = 0;
  for (std::uint32_t seed = 0; seed < 600 && killed == 0; ++seed) {
    PlanWorld world(seed, RetireBy::kReadAndCordon);
    for (int i = 0; i < kSteps; ++i) {
      world.step();
    }
    for (const std::string& v : world.violations()) {
      killed += v.find("sessions") != std::string::npos ? 1 : 0;
    }
  }
  EXPECT_GT(killed, 0);
}

TEST(PlanPropertyItself, ItsTracesMeetEverythingThatTheyAreAbout) {
  std::map<std::string, int> happened;
  for (std::uint32_t seed = 1000; seed < 1060; ++seed) {
    PlanWorld world(seed, RetireBy::kCompareAndSwap);
    for (int i = 0; i < kSteps; ++i) {
      world.step();
    }
    for (const auto& [what, times] : world.happened()) {
      happened[what] += times;
    }
  }
  for (const char* what :
       {"session", "created", "created of an earlier revision", "retire refused",
        "retired and deleted", "cordoned", "taken back", "drained", "crash", "pod failed",
        "pod deleted by somebody", "template changed", "rollback", "node cordoned or back",
        "node lost", "pool deleted", "two leaders", "deleted"}) {
    EXPECT_GT(happened[what], 0) << what;
  }
}

}  // namespace
}  // namespace berth::op
