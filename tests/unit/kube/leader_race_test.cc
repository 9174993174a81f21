#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/kube/lease_world.h"

namespace berth::kube {
namespace {
using namespace std::chrono_literals;

// Two electors on one Lease, on a network that delays, refuses and loses at will, in processes that
// pause and die.
class Race {
 public:
  struct Chances {
    double pause = 0.004;  // per process and step of 100 ms
    double kill = 0.001;
    double erase = 0;
    double slow = 0.15;  // per call
    double lost = 0.05;
    double refused = 0.05;
  };

  Race(std::uint64_t seed, Chances chances) : chances_(chances), random_(seed) {
    for (int i = 0; i < 2; ++i) {
      boot(slots_[i]);
    }
  }

  void run(Duration time, bool calm) {
    calm_ = calm;
    const TimePoint end = world_.clock().now() + time;
    while (world_.clock().now() < end) {
      step();
    }
  }

  int writable_steps = 0;
  int double_steps = 0;
  int terms = 0;
  bool epochs_rise = true;

 private:
  struct Slot {
    std::unique_ptr<Process> process;
    TimePoint paused_until{};
    std::size_t told = 0;
  };

  bool chance(double p) { return !calm_ && random_.unit() < p; }

  void boot(Slot& slot) {
    slot.process =
        std::make_unique<Process>(world_, store_, "p" + std::to_string(++born_), random_.u64(),
                                  [this](const http::Request&) { return delay(); });
    slot.told = 0;
  }

  Delay delay() {
    const auto some = [&](int most_ms) {
      return std::chrono::milliseconds(random_.below(static_cast<std::uint64_t>(most_ms)));
    };
    const int most = chance(chances_.slow) ? 16'000 : 50;
    return {some(most), some(most), chance(chances_.lost), chance(chances_.refused)};
  }

  void step() {
    world_.advance(100ms);
    const TimePoint now = world_.clock().now();
    if (chance(chances_.erase)) {
      store_.erase();
    }
    for (Slot& slot : slots_) {
      if (slot.paused_until <= now) {
        slot.process->wake_clock(now);
      }
    }
    // Code that was about to write when it was paused asks in the first moment after.
    count_writers();
    for (Slot& slot : slots_) {
      if (slot.paused_until > now) {
        continue;
      }
      slot.process->run_until(now);
      note_terms(slot);
      if (chance(chances_.pause)) {
        slot.paused_until = now + std::chrono::milliseconds(random_.below(40'000));
      } else if (slot.process->lost > 0 || chance(chances_.kill)) {
        graveyard_.push_back(std::move(slot.process));
        graveyard_.back()->kill();
        boot(slot);
      }
    }
    count_writers();
  }

  void count_writers() {
    const TimePoint now = world_.clock().now();
    int writers = 0;
    for (const Slot& slot : slots_) {
      writers += slot.paused_until <= now && slot.process->may_write() ? 1 : 0;
    }
    writable_steps += writers > 0 ? 1 : 0;
    double_steps += writers > 1 ? 1 : 0;
  }

  void note_terms(Slot& slot) {
    for (; slot.told < slot.process->started.size(); ++slot.told) {
      const std::int64_t epoch = slot.process->started[slot.told];
      epochs_rise = epochs_rise && epoch > last_epoch_;
      last_epoch_ = epoch;
      ++terms;
    }
  }

  Chances chances_;
  bool calm_ = false;
  fakes::ManualLoop world_;
  fakes::SeededRandom random_;
  LeaseStore store_;
  int born_ = 0;
  std::int64_t last_epoch_ = -1;
  Slot slots_[2];
  std::vector<std::unique_ptr<Process>> graveyard_;  // the network may still answer them
};

TEST(LeaderRace, NeverTwoMayWriteAndEveryTermHasAHigherEpoch) {
  int terms = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Race race(seed, {});
    race.run(10min, false);
    EXPECT_EQ(race.double_steps, 0) << "seed " << seed;
    EXPECT_TRUE(race.epochs_rise) << "seed " << seed;
    const int before = race.writable_steps;
    race.run(2min, true);
    EXPECT_GT(race.writable_steps, before) << "nobody leads after the storm, seed " << seed;
    terms += race.terms;
  }
  EXPECT_GT(terms, 100) << "too quiet to show anything";
}

TEST(LeaderRace, ALeaseDeletedUnderTheirHandsLetsNoTwoWrite) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Race::Chances chances;
    chances.kill = 0;
    chances.pause = 0;
    chances.lost = 0;
    chances.refused = 0;
    chances.slow = 0;
    chances.erase = 0.02;
    Race race(seed, chances);
    race.run(20s, true);  // both have seen the holder
    race.run(5min, false);
    EXPECT_EQ(race.double_steps, 0) << "seed " << seed;
    EXPECT_GT(race.writable_steps, 2000) << "seed " << seed;
  }
}

}  // namespace
}  // namespace berth::kube
