#include "gateway/workers/slots_watcher.h"

#include "tests/unit/gateway/support/gateway_fixture.h"

namespace berth::gateway::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class SlotsWatcherTest : public GatewayTest {
 protected:
  FakeWorker& add(const std::string& name) {
    const WorkerPod pod = pod_of(name, "10.0.0." + std::to_string(++last_ip_));
    return net_.add(pod, {{api::kSlot, 2}}, jwks_);
  }
  std::vector<std::string> heard_;
  std::vector<std::string> unreadable_;
  SlotsWatcher::Settings settings_{.poll = {}, .max_workers = 2};
  SlotsWatcher watcher_{
      loop_,
      net_,
      signer_,
      random_,
      settings_,
      Log(),
      {.heard = [this](const api::WorkerUid& uid, api::Slots) { heard_.push_back(uid.str()); },
       .unreadable = [this](const api::WorkerUid& uid) { unreadable_.push_back(uid.str()); }}};
};

TEST_F(SlotsWatcherTest, HearsTheFirstWordAndEachChange) {
  FakeWorker& worker = add("w1");
  watcher_.watch(worker.pod);
  loop_.run_ready();
  EXPECT_EQ(heard_.size(), 1U);
  worker.set_state(api::WorkerState::kCordoned);
  net_.tell_news();
  loop_.run_ready();
  EXPECT_EQ(heard_.size(), 2U);
  loop_.advance(seconds(10));
  EXPECT_EQ(heard_.size(), 2U);
}

TEST_F(SlotsWatcherTest, TellsAtTheFirstFailureAndOnce) {
  FakeWorker& worker = add("w1");
  worker.reachable = false;
  watcher_.watch(worker.pod);
  loop_.advance(seconds(60));
  EXPECT_EQ(unreadable_, std::vector<std::string>{"uid-w1"});
  worker.reachable = true;
  loop_.advance(seconds(8));
  EXPECT_EQ(heard_.size(), 1U);
}

TEST_F(SlotsWatcherTest, APodBeingDeletedThatFallsSilentIsUnreadableToo) {
  FakeWorker& worker = add("w1");
  worker.reachable = false;
  WorkerPod pod = worker.pod;
  pod.deleting = true;
  watcher_.watch(pod);
  loop_.run_ready();
  EXPECT_EQ(unreadable_.size(), 1U);
}

TEST_F(SlotsWatcherTest, APodThatBecameReadyIsAskedAtOnce) {
  FakeWorker& worker = add("w1");
  worker.reachable = false;
  WorkerPod pod = worker.pod;
  pod.ready = false;
  watcher_.watch(pod);
  loop_.advance(seconds(60));
  worker.reachable = true;
  pod.ready = true;
  watcher_.watch(pod);
  loop_.run_ready();
  EXPECT_EQ(heard_.size(), 1U);
}

TEST_F(SlotsWatcherTest, AnotherPodAtTheAddressIsNotHeard) {
  FakeWorker& worker = add("w1");
  worker.address_taken_by("uid-stranger");
  watcher_.watch(worker.pod);
  loop_.run_ready();
  EXPECT_TRUE(heard_.empty());
  EXPECT_EQ(unreadable_.size(), 1U);
}

TEST_F(SlotsWatcherTest, PodsWithoutAnAddressAreNotPolled) {
  FakeWorker& worker = add("w1");
  WorkerPod pod = worker.pod;
  pod.ip = "";
  watcher_.watch(pod);
  EXPECT_EQ(watcher_.size(), 0U);
  watcher_.watch(worker.pod);
  EXPECT_EQ(watcher_.size(), 1U);
  pod.finished = true;
  watcher_.watch(pod);
  EXPECT_EQ(watcher_.size(), 0U);
}

TEST_F(SlotsWatcherTest, IsBounded) {
  for (const char* name : {"w1", "w2", "w3"}) {
    watcher_.watch(add(name).pod);
  }
  EXPECT_EQ(watcher_.size(), 2U);
  watcher_.forget(api::WorkerUid("uid-w1"));
  watcher_.watch(net_.worker("w3").pod);
  EXPECT_EQ(watcher_.size(), 2U);
}

}  // namespace
}  // namespace berth::gateway::testing
