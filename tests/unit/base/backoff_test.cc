#include "berth/base/backoff.h"

#include <gtest/gtest.h>

#include "tests/fakes/seeded_random.h"

namespace berth {
namespace {
using namespace std::chrono_literals;

TEST(Backoff, DoublesUpToTheCapAndStartsAgainAfterReset) {
  fakes::SeededRandom random;
  Backoff b({.initial = 1s, .max = 5s, .factor = 2, .jitter = 0}, random);
  EXPECT_EQ(b.next(), 1s);
  EXPECT_EQ(b.next(), 2s);
  EXPECT_EQ(b.next(), 4s);
  EXPECT_EQ(b.next(), 5s);
  b.reset();
  EXPECT_EQ(b.next(), 1s);
}

TEST(Backoff, JitterStaysWithinItsShare) {
  fakes::SeededRandom random;
  Backoff b({.initial = 1s, .max = 1s, .factor = 2, .jitter = 0.5}, random);
  for (int i = 0; i < 1000; ++i) {
    const Duration d = b.next();
    EXPECT_GE(d, 1s);
    EXPECT_LT(d, 1500ms);
  }
}

TEST(Backoff, NeverBeforeTheOtherSideWantsToBeAskedAgain) {
  fakes::SeededRandom random;
  Backoff b({.initial = 1s, .max = 5s, .factor = 2, .jitter = 0}, random);
  Error busy;
  busy.retry_after = 3s;
  EXPECT_EQ(b.next(busy), 3s);
  EXPECT_EQ(b.next(Error()), 2s);
  EXPECT_EQ(b.next(busy), 4s);
}

}  // namespace
}  // namespace berth
