#include "gateway/placement/worker_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/fakes/manual_loop.h"
#include "tests/fakes/seeded_random.h"

namespace berth::gateway {
namespace {

using api::Placement;
using std::chrono::milliseconds;

constexpr const char* kPool = "default/files";
const api::Resources kPlain{{api::kSlot, 1}};
const api::Resources kGpu{{api::kSlot, 1}, {"gpu", 1}};

WorkerPod pod_of(const std::string& name) {
  WorkerPod pod;
  pod.ns = "default";
  pod.name = name;
  pod.pool = "files";
  pod.uid = api::WorkerUid("uid-" + name);
  pod.ip = "10.0.0.1";
  pod.port = 7600;
  pod.ready = true;
  return pod;
}

class WorkerTableTest : public ::testing::Test {
 protected:
  void add(const std::string& name, std::int64_t capacity, std::int64_t used,
           const api::Resources& more = {}) {
    table_.upsert(pod_of(name));
    hear(name, capacity, used, more);
  }
  void hear(const std::string& name, std::int64_t capacity, std::int64_t used,
            const api::Resources& more = {}, api::WorkerState state = api::WorkerState::kActive) {
    api::Slots slots;
    slots.incarnation = api::Incarnation("i");
    slots.version = ++version_;
    slots.state = state;
    slots.capacity = more;
    slots.capacity[api::kSlot] = capacity;
    slots.used = {{api::kSlot, used}};
    table_.set_slots(api::WorkerUid("uid-" + name), slots);
  }
  std::string pick(Placement placement = Placement::kPacked, const api::Resources& asked = kPlain,
                   const std::set<api::WorkerUid>& except = {}) {
    last_ = table_.grant(kPool, asked, placement, except);
    return last_ ? last_->uid.str().substr(4) : "";
  }

  fakes::ManualLoop loop_;
  std::vector<std::string> told_;
  WorkerTable table_{loop_, {}, [this](const std::string& pool) { told_.push_back(pool); }};
  std::optional<Grant> last_;
  std::int64_t version_ = 0;
};

TEST_F(WorkerTableTest, PackedTakesTheFullestThatFits) {
  add("a", 4, 0);
  add("b", 4, 3);
  add("c", 4, 4);
  EXPECT_EQ(pick(), "b");
  EXPECT_EQ(pick(), "a");
}

TEST_F(WorkerTableTest, SpreadTakesTheEmptiest) {
  add("a", 4, 1);
  add("b", 4, 0);
  EXPECT_EQ(pick(Placement::kSpread), "b");
  EXPECT_EQ(pick(Placement::kSpread), "a");
}

TEST_F(WorkerTableTest, AmongEqualsTheFirstByNameWins) {
  add("b", 4, 2);
  add("a", 4, 2);
  EXPECT_EQ(pick(Placement::kSpread), "a");
  table_.released(*last_);
  EXPECT_EQ(pick(Placement::kPacked), "a");
}

TEST_F(WorkerTableTest, OnlyPodsInServiceAreChosen) {
  add("a", 4, 0);
  const auto with = [&](auto change) {
    WorkerPod pod = pod_of("a");
    change(pod);
    table_.upsert(pod);
    return pick();
  };
  EXPECT_EQ(with([](WorkerPod& p) { p.ready = false; }), "");
  EXPECT_EQ(with([](WorkerPod& p) { p.deleting = true; }), "");
  EXPECT_EQ(with([](WorkerPod& p) { p.finished = true; }), "");
  EXPECT_EQ(with([](WorkerPod&) {}), "a");
}

TEST_F(WorkerTableTest, AWorkerNeverHeardOrUnreadableIsFull) {
  table_.upsert(pod_of("a"));
  EXPECT_EQ(pick(), "");
  hear("a", 1, 0);
  table_.set_unreadable(api::WorkerUid("uid-a"));
  EXPECT_EQ(pick(), "");
  hear("a", 1, 0);
  EXPECT_EQ(pick(), "a");
}

TEST_F(WorkerTableTest, CordonedDrainingAndRetiredWorkersAreFull) {
  add("a", 4, 0);
  for (const auto state :
       {api::WorkerState::kCordoned, api::WorkerState::kDraining, api::WorkerState::kRetired}) {
    hear("a", 4, 0, {}, state);
    EXPECT_EQ(pick(), "") << to_string(state);
  }
  hear("a", 4, 0);
  EXPECT_EQ(pick(), "a");
}

TEST_F(WorkerTableTest, AGrantCountsAsUsedUntilItIsGivenBack) {
  add("a", 1, 0);
  ASSERT_EQ(pick(), "a");
  const Grant grant = *last_;
  EXPECT_EQ(pick(), "");
  table_.released(grant);
  EXPECT_EQ(pick(), "a");
}

TEST_F(WorkerTableTest, AnAnsweredCreateCountsUntilTheWorkersOwnCountHasIt) {
  add("a", 1, 0);
  ASSERT_EQ(pick(), "a");
  table_.opened(*last_);
  EXPECT_EQ(pick(), "");
  hear("a", 2, 1);
  EXPECT_EQ(pick(), "a") << "the count of the worker replaces ours, it does not add to it";
}

TEST_F(WorkerTableTest, AnAnsweredCreateCountsNoLongerThanTheSettleTime) {
  add("a", 1, 0);
  ASSERT_EQ(pick(), "a");
  table_.opened(*last_);
  loop_.advance(milliseconds(49));
  EXPECT_EQ(pick(), "");
  told_.clear();
  loop_.advance(milliseconds(1));
  EXPECT_EQ(told_.size(), 1U);
  EXPECT_EQ(pick(), "a");
}

TEST_F(WorkerTableTest, AWorkerThatRefusedIsPassedOverForASecond) {
  add("a", 4, 0);
  ASSERT_EQ(pick(), "a");
  table_.refused(*last_);
  loop_.advance(milliseconds(999));
  EXPECT_EQ(pick(), "");
  told_.clear();
  loop_.advance(milliseconds(1));
  EXPECT_EQ(told_, std::vector<std::string>{kPool});
  EXPECT_EQ(pick(), "a");
}

TEST_F(WorkerTableTest, AWorkerThatRefusedIsAskedAgainWhenItsSlotsChange) {
  add("a", 4, 0);
  ASSERT_EQ(pick(), "a");
  table_.refused(*last_);
  hear("a", 4, 3);
  EXPECT_EQ(pick(), "a");
}

TEST_F(WorkerTableTest, TypedResourcesLimitBesidesTheSlots) {
  add("a", 4, 3);
  add("b", 4, 0, {{"gpu", 1}});
  EXPECT_EQ(pick(Placement::kPacked, kGpu), "b");
  EXPECT_EQ(pick(Placement::kPacked, kGpu), "");
  EXPECT_EQ(pick(), "a");
}

TEST_F(WorkerTableTest, ExceptedWorkersArePassedOver) {
  add("a", 4, 3);
  add("b", 4, 0);
  EXPECT_EQ(pick(Placement::kPacked, kPlain, {api::WorkerUid("uid-a")}), "b");
}

TEST_F(WorkerTableTest, ASuccessorOfTheSameNameReplacesThePod) {
  add("a", 4, 0);
  WorkerPod successor = pod_of("a");
  successor.uid = api::WorkerUid("uid-a2");
  table_.upsert(successor);
  EXPECT_EQ(pick(), "") << "the successor has not been heard";
  EXPECT_EQ(table_.find(kPool, "a")->pod.uid.str(), "uid-a2");
  EXPECT_EQ(table_.find(api::WorkerUid("uid-a")), nullptr);
  table_.remove(api::WorkerUid("uid-a"));
  EXPECT_EQ(table_.size(), 1U);
}

TEST_F(WorkerTableTest, APodThatMovedIsReadAnewBeforeItIsUsed) {
  add("a", 4, 0);
  WorkerPod moved = pod_of("a");
  moved.ip = "10.0.0.9";
  table_.upsert(moved);
  EXPECT_EQ(pick(), "");
}

TEST_F(WorkerTableTest, GrantsOfRemovedWorkersMayStillComeBack) {
  add("a", 4, 0);
  ASSERT_EQ(pick(), "a");
  table_.remove(api::WorkerUid("uid-a"));
  table_.opened(*last_);
  table_.refused(*last_);
  table_.released(*last_);
  EXPECT_EQ(table_.size(), 0U);
}

TEST_F(WorkerTableTest, TimersOfRemovedWorkersAreGone) {
  add("a", 4, 0);
  ASSERT_EQ(pick(), "a");
  table_.opened(*last_);
  ASSERT_EQ(pick(), "a");
  table_.refused(*last_);
  table_.remove(api::WorkerUid("uid-a"));
  EXPECT_EQ(loop_.timers(), 0U);
}

TEST_F(WorkerTableTest, KnowsWhetherAWorkerCouldEverHoldIt) {
  add("a", 1, 1, {{"gpu", 1}});
  EXPECT_TRUE(table_.any_has_capacity(kPool, kGpu));
  EXPECT_FALSE(table_.any_has_capacity(kPool, {{api::kSlot, 1}, {"gpu", 2}}));
}

/// Random traces against the rules read plainly: the choice is the best of all that may be chosen,
/// and what was granted, answered and counted by the worker never exceeds its capacity.
TEST(WorkerTableProperty, ChoosesTheBestAndNeverGrantsBeyondCapacity) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    fakes::SeededRandom random(seed);
    fakes::ManualLoop loop;
    WorkerTable table(loop, {}, [](const std::string&) {});
    std::vector<Grant> out;
    std::map<std::string, std::int64_t> version;
    for (int step = 0; step < 400; ++step) {
      const std::string name(1, static_cast<char>('a' + random.below(5)));
      const api::WorkerUid uid("uid-" + name);
      switch (random.below(8)) {
        case 0: {
          WorkerPod pod = pod_of(name);
          pod.ready = random.below(4) != 0;
          table.upsert(pod);
          break;
        }
        case 1: {
          api::Slots slots;
          slots.incarnation = api::Incarnation("i");
          slots.version = ++version[name];
          slots.capacity = {{api::kSlot, 4}, {"gpu", 2}};
          slots.used = {{api::kSlot, static_cast<std::int64_t>(random.below(5))},
                        {"gpu", static_cast<std::int64_t>(random.below(3))}};
          table.set_slots(uid, slots);
          break;
        }
        case 2:
          table.set_unreadable(uid);
          break;
        case 3:
          if (random.below(6) == 0) {
            table.remove(uid);
          }
          break;
        case 4:
          loop.advance(milliseconds(random.below(400)));
          break;
        case 5:
          if (!out.empty()) {
            const std::size_t i = random.below(out.size());
            const auto how = random.below(3);
            how == 0   ? table.opened(out[i])
            : how == 1 ? table.refused(out[i])
                       : table.released(out[i]);
            out.erase(out.begin() + static_cast<std::ptrdiff_t>(i));
          }
          break;
        default: {
          const api::Resources asked = random.below(2) == 0 ? kPlain : kGpu;
          const bool packed = random.below(2) == 0;
          const WorkerView* best = nullptr;
          for (const WorkerView* view : table.workers(kPool)) {
            const auto free = view->free_sessions();
            if (view->fits(asked) && (best == nullptr || (packed ? free < best->free_sessions()
                                                                 : free > best->free_sessions()))) {
              best = view;
            }
          }
          const std::string expected = best == nullptr ? "" : best->pod.uid.str();
          const auto grant =
              table.grant(kPool, asked, packed ? Placement::kPacked : Placement::kSpread);
          ASSERT_EQ(grant ? grant->uid.str() : "", expected) << "seed " << seed << " step " << step;
          if (grant) {
            out.push_back(*grant);
            const WorkerView* view = table.find(grant->uid);
            for (const auto& [resource, _] : asked) {
              const auto in = [&resource = resource](const api::Resources& r) {
                const auto it = r.find(resource);
                return it == r.end() ? 0 : it->second;
              };
              ASSERT_LE(in(view->slots->used) + in(view->in_flight) + in(view->settling),
                        in(view->slots->capacity))
                  << "seed " << seed << " step " << step;
            }
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace berth::gateway
