#include "gateway/workers/slots_watcher.h"

#include <utility>

namespace berth::gateway {

struct SlotsWatcher::Poll {
  Poll(WorkerPod p, Backoff::Settings settings, Random& random)
      : pod(std::move(p)), backoff(settings, random) {}
  WorkerPod pod;
  Backoff backoff;
  api::Incarnation incarnation;
  std::int64_t version = 0;
  bool failing = false;
  TimePoint asked_at{};
  Cancel call;
  Cancel pause;
};

SlotsWatcher::SlotsWatcher(EventLoop& loop, WorkerClient& client, Random& random,
                           Settings settings, Log log, Events events)
    : loop_(loop),
      client_(client),
      random_(random),
      settings_(settings),
      log_(std::move(log)),
      events_(std::move(events)) {}

SlotsWatcher::~SlotsWatcher() = default;

void SlotsWatcher::watch(const WorkerPod& pod) {
  auto it = polls_.find(pod.uid);
  if (!pod.reachable()) {
    forget(pod.uid);
    return;
  }
  if (it == polls_.end()) {
    if (polls_.size() >= settings_.max_workers) {
      if (!std::exchange(over_limit_logged_, true)) {
        log_.error("too many workers; the ones beyond count as full",
                   {{"limit", settings_.max_workers}, {"pod", pod.name}});
      }
      return;
    }
    it = polls_.emplace(pod.uid, std::make_unique<Poll>(pod, settings_.backoff, random_)).first;
    ask(*it->second);
    return;
  }
  Poll& poll = *it->second;
  const bool moved = poll.pod.origin() != pod.origin();
  const bool became_ready = pod.ready && !poll.pod.ready;
  poll.pod = pod;
  // Only a poll that is not getting answers is started anew: an open one would tell of a change by itself.
  if (moved || (became_ready && poll.failing)) {
    poll.backoff.reset();
    ask(poll);
  }
}

void SlotsWatcher::forget(const api::WorkerUid& uid) { polls_.erase(uid); }

void SlotsWatcher::ask(Poll& poll) {
  poll.pause.cancel();
  poll.asked_at = loop_.clock().now();
  poll.call = client_.slots(
      poll.pod, poll.incarnation, poll.version, settings_.wait,
      [this, &poll](Result<api::Slots> result) { answered(poll, std::move(result)); });
}

void SlotsWatcher::ask_later(Poll& poll) {
  poll.pause = loop_.call_after(poll.backoff.next(), [this, &poll] { ask(poll); });
}

void SlotsWatcher::answered(Poll& poll, Result<api::Slots> result) {
  const api::WorkerUid uid = poll.pod.uid;
  if (!result) {
    if (!std::exchange(poll.failing, true)) {
      log_.warn("worker cannot be read; it counts as full",
                {{"namespace", poll.pod.ns}, {"pod", poll.pod.name}, {"error", result.error()}});
    }
    ask_later(poll);
    events_.unreadable(uid, result.error());
    return;
  }
  if (std::exchange(poll.failing, false)) {
    log_.info("worker can be read again", {{"namespace", poll.pod.ns}, {"pod", poll.pod.name}});
  }
  const bool news = result->incarnation != poll.incarnation || result->version != poll.version;
  poll.incarnation = result->incarnation;
  poll.version = result->version;
  // An answer without news ends a whole wait. A worker that gives them early must not make us spin.
  const bool waited = loop_.clock().now() - poll.asked_at >= std::chrono::seconds(1);
  if (news || waited) {
    poll.backoff.reset();
    ask(poll);
  } else {
    ask_later(poll);
  }
  events_.heard(uid, *std::move(result));
}

}  // namespace berth::gateway
