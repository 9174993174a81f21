#include "gateway/placement/owner_tally.h"

#include <gtest/gtest.h>

#include "tests/fakes/manual_loop.h"

namespace berth::gateway {
namespace {

using std::chrono::milliseconds;

class OwnerTallyTest : public ::testing::Test {
 protected:
  void told(const std::string& worker, const OwnerTally::Owners& owners,
            const std::string& pool = "ns/p") {
    tally_.told(pool, api::WorkerUid(worker), owners);
  }
  void opened(const std::string& worker, const std::string& owner) {
    tally_.opened("ns/p", api::WorkerUid(worker), owner);
  }
  std::int64_t open(const std::string& owner) { return tally_.open("ns/p", owner); }

  fakes::ManualClock clock_;
  OwnerTally tally_{clock_};
};

TEST_F(OwnerTallyTest, AddsUpTheWorkersOfAPool) {
  told("w1", {{"ann", 2}, {"bob", 1}});
  told("w2", {{"ann", 3}});
  told("w3", {{"ann", 7}}, "ns/other");
  EXPECT_EQ(open("ann"), 5);
  EXPECT_EQ(open("bob"), 1);
  EXPECT_EQ(open("cy"), 0);
}

TEST_F(OwnerTallyTest, AWorkersWordReplacesItsLastOne) {
  told("w1", {{"ann", 2}, {"bob", 1}});
  told("w1", {{"ann", 1}});
  EXPECT_EQ(open("ann"), 1);
  EXPECT_EQ(open("bob"), 0);
  told("w1", {});
  EXPECT_EQ(open("ann"), 0);
}

TEST_F(OwnerTallyTest, AWorkerThatIsGoneCountsForNothing) {
  told("w1", {{"ann", 2}});
  tally_.forget(api::WorkerUid("w1"));
  tally_.forget(api::WorkerUid("w1"));
  EXPECT_EQ(open("ann"), 0);
}

TEST_F(OwnerTallyTest, WhatWasJustOpenedCountsUntilItsWorkerSpeaks) {
  opened("w1", "ann");
  opened("w2", "ann");
  EXPECT_EQ(open("ann"), 2);
  EXPECT_EQ(tally_.open("ns/other", "ann"), 0);
  told("w1", {{"ann", 1}});
  EXPECT_EQ(open("ann"), 2) << "one told, one fresh";
}

TEST_F(OwnerTallyTest, WhatNoWorkerEverTellsOfIsForgotten) {
  opened("w1", "ann");
  clock_.set(clock_.now() + milliseconds(50));
  EXPECT_EQ(open("ann"), 0);
}

}  // namespace
}  // namespace berth::gateway
