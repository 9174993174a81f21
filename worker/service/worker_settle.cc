#include <utility>

#include "berth/base/duration.h"
#include "worker/service/worker_service.h"

// What follows a step on the table: activities, watchers, time.
namespace berth::worker {

Result<api::ActivityInfo> WorkerService::start_activity(const api::SessionId& session,
                                                        api::StartActivity ask, bool& is_new) {
  if (ask.activity_id.empty()) {
    ask.activity_id = api::ActivityId(parts_.random.name(20));
  }
  // A repeat is answered whatever has become of the session since.
  const Session* known = parts_.table.find(session);
  std::filesystem::path path = parts_.directories.path(session);
  if (known == nullptr || known->activities.find(ask.activity_id) == nullptr) {
    BERTH_ASSIGN(path, directory(session));
  }
  auto accepted = runner_.start(session, std::move(ask), path);
  is_new = accepted && accepted->is_new;
  auto out =
      accepted ? Result<api::ActivityInfo>(accepted->activity->info) : fail(accepted.error());
  if (out && !api::is_final(out->state)) {
    out->runtime = parts_.loop.clock().now() - accepted->activity->started_at;
  }
  settle();
  return out;
}

Result<api::ActivityInfo> WorkerService::activity(const api::SessionId& session,
                                                  const api::ActivityId& id) const {
  BERTH_ASSIGN(const Activity* found, parts_.table.find_activity(session, id));
  api::ActivityInfo info = found->info;
  if (!api::is_final(info.state)) {
    info.runtime = parts_.loop.clock().now() - found->started_at;
  }
  return info;
}

Result<std::shared_ptr<OutputStream>> WorkerService::activity_output(
    const api::SessionId& session, const api::ActivityId& id) const {
  BERTH_ASSIGN(const Activity* found, parts_.table.find_activity(session, id));
  if (auto stream = runner_.output(session, id)) {
    return stream;
  }
  if (api::is_final(found->info.state)) {
    return fail(Error::make(ErrorCode::kGone, "OutputForgotten",
                            "activity '" + id.str() + "' is over and no output of it is kept"));
  }
  return fail(Error::make(
      ErrorCode::kConflict, "NotStreamed",
      "activity '" + id.str() + "' does not stream its output; start an exec with input.stream"));
}

Status WorkerService::cancel_activity(const api::SessionId& session, const api::ActivityId& id) {
  BERTH_TRY(parts_.table.find_activity(session, id));
  runner_.cancel(session, id, "Cancelled");
  notify_activity(session, id);
  settle();
  return {};
}

Cancel WorkerService::watch_activity(const api::SessionId& session, const api::ActivityId& id,
                                     std::function<void()> fn) {
  const std::uint64_t number = ++last_watch_;
  const WatchKey key(session, id);
  watches_->emplace(key, std::pair(number, std::make_shared<std::function<void()>>(std::move(fn))));
  return Cancel([weak = std::weak_ptr(watches_), key, number] {
    if (const auto watches = weak.lock()) {
      const auto [first, last] = watches->equal_range(key);
      for (auto it = first; it != last; ++it) {
        if (it->second.first == number) {
          const auto node = watches->extract(it);
          return;
        }
      }
    }
  });
}

// A watcher may drop its own or another's handle while it runs, so the list is taken first.
void WorkerService::notify_activity(const api::SessionId& session, const api::ActivityId& id) {
  std::vector<std::weak_ptr<std::function<void()>>> fns;
  const auto [first, last] = watches_->equal_range(WatchKey(session, id));
  for (auto it = first; it != last; ++it) {
    fns.push_back(it->second.second);
  }
  for (const auto& weak : fns) {
    if (const auto fn = weak.lock()) {
      (*fn)();
    }
  }
}

void WorkerService::notify_session(const api::SessionId& session) {
  std::vector<std::weak_ptr<std::function<void()>>> fns;
  for (auto it = watches_->lower_bound(WatchKey(session, api::ActivityId()));
       it != watches_->end() && it->first.first == session; ++it) {
    fns.push_back(it->second.second);
  }
  for (const auto& weak : fns) {
    if (const auto fn = weak.lock()) {
      (*fn)();
    }
  }
}

void WorkerService::settle() {
  if (std::exchange(settling_, true)) {
    return;  // A cancel that ended at once: the loop below sees what it left.
  }
  for (auto events = parts_.table.take_events(); !events.empty();
       events = parts_.table.take_events()) {
    for (const TableEvent& event : events) {
      handle(event);
    }
  }
  settling_ = false;
  if (std::exchange(settled_version_, parts_.table.version()) != parts_.table.version()) {
    const auto open = static_cast<std::int64_t>(parts_.table.session_count());
    parts_.metrics.show(parts_.table.slots(), open);
    if (slots_changed_) {
      slots_changed_();
    }
  }
  arm();
  if (drained() && drained_) {
    if (shutdown_step_) {
      shutdown_step_();
    }
    std::exchange(drained_, nullptr)();
  }
}

void WorkerService::handle(const TableEvent& event) {
  if (const auto* ending = std::get_if<SessionEndingEvent>(&event)) {
    for (const api::ActivityId& activity : ending->to_cancel) {
      runner_.cancel(ending->id, activity, "SessionEnded");
    }
    notify_session(ending->id);
  } else if (const auto* ended = std::get_if<SessionEndedEvent>(&event)) {
    handle_ended(ended->session);
  } else if (const auto* released = std::get_if<HoldReleasedEvent>(&event)) {
    parts_.directories.remove(released->id);
  }
}

void WorkerService::handle_ended(const EndedSession& over) {
  const Duration lasted = over.ended_at - over.opened_at;
  parts_.metrics.ended(over.reason, lasted);
  parts_.log.info("session ended", {{"session", over.id.str()},
                                    {"owner", over.owner},
                                    {"reason", api::to_string(over.reason)},
                                    {"seconds", to_seconds(lasted)}});
  if (!over.hold_until) {
    parts_.directories.remove(over.id);
  }
  runner_.forget(over.id);
  notify_session(over.id);
}

// A renewal only moves a lease to later, so a timer that is set stays; it finds that out when it
// fires.
void WorkerService::arm() {
  const TimePoint next = parts_.table.next_wakeup();
  if (next >= armed_for_) {
    return;
  }
  armed_for_ = next;
  timer_ = parts_.loop.call_at(next, [this] {
    armed_for_ = TimePoint::max();
    // Behind the input that is ready now: a renewal which has arrived counts before its lease
    // expires.
    parts_.loop.post([this, alive = std::weak_ptr(alive_)] {
      if (!alive.expired()) {
        parts_.table.expire();
        settle();
      }
    });
  });
}

}  // namespace berth::worker
