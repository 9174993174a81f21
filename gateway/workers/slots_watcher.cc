#include "gateway/workers/slots_watcher.h"

#include <utility>

namespace berth::gateway {

struct SlotsWatcher::Watched {
  WorkerPod pod;
  bool failing = false;
  std::unique_ptr<control::SlotsPoller> poller;
};

SlotsWatcher::SlotsWatcher(EventLoop& loop, http::Transport& transport, auth::TokenSigner& signer,
                           Random& random, Settings settings, Log log, Events events)
    : loop_(loop),
      transport_(transport),
      signer_(signer),
      random_(random),
      settings_(settings),
      log_(std::move(log)),
      events_(std::move(events)) {}

SlotsWatcher::~SlotsWatcher() = default;

void SlotsWatcher::watch(const WorkerPod& pod) {
  if (!pod.reachable()) {
    forget(pod.uid);
    return;
  }
  const auto it = watched_.find(pod.uid);
  if (it == watched_.end()) {
    if (watched_.size() >= settings_.max_workers) {
      if (!std::exchange(over_limit_logged_, true)) {
        log_.error("too many workers; the ones beyond count as full",
                   {{"limit", settings_.max_workers}, {"pod", pod.name}});
      }
      return;
    }
    auto watched = std::make_unique<Watched>();
    watched->pod = pod;
    start(*watched_.emplace(pod.uid, std::move(watched)).first->second);
    return;
  }
  Watched& watched = *it->second;
  const bool moved = watched.pod.origin() != pod.origin();
  const bool became_ready = pod.ready && !watched.pod.ready;
  watched.pod = pod;
  if (moved || (became_ready && watched.failing)) {
    start(watched);
  }
}

void SlotsWatcher::forget(const api::WorkerUid& uid) {
  watched_.erase(uid);
}

void SlotsWatcher::start(Watched& watched) {
  watched.poller = std::make_unique<control::SlotsPoller>(
      loop_, transport_, signer_, random_,
      control::WorkerTarget{watched.pod.origin(), watched.pod.uid, watched.pod.server_name()},
      settings_.poll, [this, &watched] { changed(watched); });
}

void SlotsWatcher::changed(Watched& watched) {
  const api::WorkerUid uid = watched.pod.uid;
  const control::SlotsPoller& poller = *watched.poller;
  if (poller.silent() || poller.last_error() || !poller.slots()) {
    if (std::exchange(watched.failing, true)) {
      return;
    }
    if (!watched.pod.deleting) {  // One that is being deleted falls silent in the end.
      log_.warn("worker cannot be read; it counts as full",
                {{"namespace", watched.pod.ns},
                 {"pod", watched.pod.name},
                 {"error", poller.last_error() ? poller.last_error()->text() : "no answer"}});
    }
    events_.unreadable(uid);
    return;
  }
  if (std::exchange(watched.failing, false)) {
    log_.info("worker can be read again",
              {{"namespace", watched.pod.ns}, {"pod", watched.pod.name}});
  }
  events_.heard(uid, *poller.slots());
}

}  // namespace berth::gateway
