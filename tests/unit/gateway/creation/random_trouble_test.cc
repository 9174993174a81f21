#include "tests/unit/gateway/support/gateway_fixture.h"

namespace berth::gateway::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// Callers come, wait, leave, come back and finish, while workers vanish and return, refuse and
/// lose answers. Whatever happens: no worker holds more than its slots, and in the end exactly the
/// sessions are left that a caller was told of and has not ended.
class RandomTroubleTest : public GatewayTest {
 protected:
  static constexpr std::int64_t kSlots = 3;
  /// A lease longer than the trace: fake workers know no leases, so give-backs must do it all.
  inline static const Json kRequest{{"heartbeatTimeout", "10m"}};

  void begin(std::uint64_t seed) {
    dice_ = fakes::SeededRandom(seed);
    prefix_ = "r" + std::to_string(seed) + "-";
    pool_ = prefix_ + "pool";
    names_.clear();
    callers_.clear();
    held_.clear();
    add_pool(pool_, kSlots);
    for (int i = 0; i < 4; ++i) {
      names_.push_back(prefix_ + "w" + std::to_string(i));
      add_worker(names_.back(), kSlots, {}, pool_);
    }
  }

  void step() {
    switch (dice_.below(9)) {
      case 0:
      case 1:
      case 2: {
        const std::string id = prefix_ + "s" + std::to_string(next_++);
        callers_[id] = create(id, kRequest, pool_);
        break;
      }
      case 3:
        somebody_leaves();
        break;
      case 4:
        if (!held_.empty()) {
          net_.worker(held_.begin()->second).end(held_.begin()->first);
          held_.erase(held_.begin());
        }
        break;
      case 5:
        dice_.below(2) == 0 ? net_.hold("POST") : net_.let_go("POST");
        break;
      case 6:
        decide_held_calls();
        break;
      case 7: {
        FakeWorker& worker = net_.worker(names_[dice_.below(names_.size())]);
        worker.reachable = !worker.reachable;
        break;
      }
      default:
        loop_.advance(milliseconds(dice_.below(1500)));
    }
    net_.tell_news();
    loop_.run_ready();
    collect_answers();
  }

  void somebody_leaves() {
    if (callers_.empty()) {
      return;
    }
    auto it = callers_.begin();
    std::advance(it, dice_.below(callers_.size()));
    it->second->client_leaves();
    if (dice_.below(2) == 0) {
      it->second = create(it->first, kRequest, pool_);
    } else {
      callers_.erase(it);
    }
  }

  void decide_held_calls() {
    for (const auto number : net_.held("POST")) {
      switch (dice_.below(3)) {
        case 0:
          net_.carry_out(number);
          break;
        case 1:
          net_.carry_out_and_lose(number);
          break;
        default:
          net_.lose(number);
      }
    }
  }

  void collect_answers() {
    for (auto it = callers_.begin(); it != callers_.end();) {
      if (!it->second->answered()) {
        ++it;
        continue;
      }
      if (it->second->status() < 300) {
        it->second->written();
        held_[it->first] = worker_of(it->second);
        ++told_;
      }
      it = callers_.erase(it);
    }
  }

  /// All callers leave, all trouble ends, and time passes.
  void settle() {
    for (auto& [_, exchange] : callers_) {
      exchange->client_leaves();
    }
    net_.let_go("POST");
    for (const auto number : net_.held("POST")) {
      net_.carry_out(number);
    }
    for (const std::string& name : names_) {
      net_.worker(name).reachable = true;
    }
    loop_.advance(seconds(120));
  }

  void expect_nothing_lost_or_stranded() {
    EXPECT_EQ(gateway_->creator().open_requests(), 0U);
    EXPECT_EQ(gateway_->give_back().pending(), 0U);
    for (const std::string& name : names_) {
      EXPECT_LE(net_.worker(name).most_sessions, static_cast<std::size_t>(kSlots));
      for (const auto& [id, _] : net_.worker(name).sessions) {
        EXPECT_TRUE(held_.contains(id) && held_[id] == name) << "stranded " << id;
      }
    }
    for (const auto& [id, worker] : held_) {
      EXPECT_TRUE(net_.worker(worker).sessions.contains(id)) << "lost " << id;
    }
  }

  fakes::SeededRandom dice_;
  std::string prefix_;
  std::string pool_;
  std::vector<std::string> names_;
  std::map<std::string, std::shared_ptr<FakeExchange>> callers_;  // by session
  std::map<std::string, std::string> held_;                       // session -> worker
  int next_ = 0;
  int told_ = 0;
};

TEST_F(RandomTroubleTest, LosesAndStrandsNoSession) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    begin(seed);
    for (int i = 0; i < 300; ++i) {
      step();
    }
    settle();
    expect_nothing_lost_or_stranded();
    if (HasFailure()) {
      return;
    }
  }
  EXPECT_GT(told_, 500) << "the traces open sessions at all";
}

}  // namespace
}  // namespace berth::gateway::testing
