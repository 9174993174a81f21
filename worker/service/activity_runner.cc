#include "worker/service/activity_runner.h"

namespace berth::worker {
namespace {

constexpr auto kStuckInterval = std::chrono::seconds(5);

ActivityFinishedRecord record_of(const api::SessionId& session, const api::ActivityId& activity,
                                 ActivityOutcome outcome) {
  ActivityFinishedRecord r;
  r.session = session;
  r.activity = activity;
  r.state = outcome.state;
  r.result = outcome.result.is_null() ? std::string() : dump_json(outcome.result);
  if (outcome.failure) {
    r.failure_type = std::move(outcome.failure->type);
    r.failure_message = std::move(outcome.failure->message);
    r.failure_retryable = outcome.failure->retryable;
  }
  r.exit_status = outcome.exit_status;
  r.stdout_base64 = std::move(outcome.stdout_base64);
  if (r.result.size() + r.stdout_base64.size() > ActivityRunner::kMaxResultBytes) {
    r.result.clear();
    r.stdout_base64.clear();
    r.state = api::ActivityState::kFailed;
    r.failure_type = "OutputTooLarge";
    r.failure_message = "the result is larger than " +
                        std::to_string(ActivityRunner::kMaxResultBytes) +
                        " bytes; leave large data in the session's directory";
    r.failure_retryable = false;
  }
  return r;
}

}  // namespace

ActivityRunner::ActivityRunner(EventLoop& loop, SessionTable& table,
                               const ActivityRegistry& registry, WorkerMetrics& metrics, Log log,
                               ChangedFn changed)
    : loop_(loop),
      table_(table),
      registry_(registry),
      metrics_(metrics),
      log_(std::move(log)),
      changed_(std::move(changed)) {}
ActivityRunner::~ActivityRunner() = default;

Result<SessionTable::Accepted> ActivityRunner::start(const api::SessionId& session,
                                                     api::StartActivity ask,
                                                     const std::filesystem::path& directory) {
  Executor* executor = registry_.find(ask.type);
  if (executor == nullptr) {
    std::string known;
    for (const std::string& type : registry_.types()) {
      known += (known.empty() ? "" : ", ") + type;
    }
    Error e = Error::invalid("type", "this worker has no activity '" + ask.type.substr(0, 64) +
                                         "'; it has: " + (known.empty() ? "none" : known));
    if (ask.type == "exec") {
      e.message += "; commands of a caller need a pool with spec.worker.exec: true";
    }
    e.reason = "UnknownActivity";
    return fail(std::move(e));
  }
  BERTH_ASSIGN(const SessionTable::Accepted accepted,
               table_.accept_activity(session, ask.activity_id, ask.type));
  if (!accepted.is_new) {
    return accepted;
  }
  const Key key(session, ask.activity_id);
  ActivityTask task;
  task.session_id = session;
  task.activity_id = ask.activity_id;
  task.type = ask.type;
  task.input = std::move(ask.input);
  task.directory = directory;
  task.start_to_close_timeout = ask.start_to_close_timeout;
  task.heartbeat_timeout = ask.heartbeat_timeout;
  auto run = executor->start(std::move(task), events_for(key));
  if (!run) {
    table_.reject_activity(session, key.second);
    return fail(std::move(run).error());
  }
  metrics_.activity_started(ask.type);
  if (auto stream = (*run)->output()) {
    outputs_[key] = Output{std::move(stream)};
  }
  runs_[key] = Run{std::move(*run), ask.type, loop_.clock().now()};
  if (!stuck_timer_) {
    stuck_timer_ = loop_.call_after(kStuckInterval, [this] { look_for_stuck(); });
  }
  return accepted;
}

ActivityEvents ActivityRunner::events_for(const Key& key) {
  ActivityEvents events;
  events.progress = [this, key](Json progress) {
    if (dump_json(progress).size() > kMaxProgressBytes) {
      log_.warn("an activity's progress is too large and is dropped",
                {{"session", key.first.str()}, {"activity", key.second.str()}});
      return;
    }
    table_.set_progress(key.first, key.second, std::move(progress));
    changed_(key.first, key.second);
  };
  events.stderr_tail = [this, key](std::string tail) {
    table_.set_stderr_tail(key.first, key.second, std::move(tail));
    changed_(key.first, key.second);
  };
  events.output_grew = [this, key] { changed_(key.first, key.second); };
  events.process_group = [this, key](int group) {
    table_.set_process_group(key.first, key.second, group);
  };
  events.done = [this, key](ActivityOutcome outcome) { on_done(key, std::move(outcome)); };
  return events;
}

void ActivityRunner::on_done(const Key& key, ActivityOutcome outcome) {
  auto node = runs_.extract(key);
  if (node.empty()) {
    log_.error("an activity reported its end twice",
               {{"session", key.first.str()}, {"activity", key.second.str()}});
    return;
  }
  metrics_.activity_finished(node.mapped().type, outcome.state,
                             loop_.clock().now() - node.mapped().started_at);
  // Its own code is on the stack below us.
  loop_.post([done = std::shared_ptr<ActivityRun>(std::move(node.mapped().run))] {});
  keep_output(key);
  table_.finish_activity(record_of(key.first, key.second, std::move(outcome)));
  changed_(key.first, key.second);
}

void ActivityRunner::cancel(const api::SessionId& session, const api::ActivityId& activity,
                            const std::string& why) {
  const auto it = runs_.find({session, activity});
  if (it != runs_.end()) {
    table_.set_cancelling(session, activity);
    it->second.run->cancel(why);
  }
}

std::shared_ptr<OutputStream> ActivityRunner::output(const api::SessionId& session,
                                                     const api::ActivityId& activity) const {
  const auto it = outputs_.find({session, activity});
  return it == outputs_.end() ? nullptr : it->second.stream;
}

void ActivityRunner::forget(const api::SessionId& session) {
  auto it = outputs_.lower_bound({session, api::ActivityId()});
  while (it != outputs_.end() && it->first.first == session) {
    it = outputs_.erase(it);
  }
}

// Makes room for the output of an activity that has just ended.
void ActivityRunner::keep_output(const Key& key) {
  const auto own = outputs_.find(key);
  if (own == outputs_.end()) {
    return;
  }
  own->second.finished = ++last_finished_;
  for (;;) {
    std::size_t count = 0;
    std::size_t cost = 0;
    auto oldest = own;
    for (auto it = outputs_.lower_bound({key.first, api::ActivityId()});
         it != outputs_.end() && it->first.first == key.first; ++it) {
      if (it->second.finished == 0) {
        continue;
      }
      ++count;
      cost += it->second.stream->cost();
      if (it->second.finished < oldest->second.finished) {
        oldest = it;
      }
    }
    if (oldest == own || (count <= kMaxUnread && cost <= kMaxUnreadBytes)) {
      return;
    }
    if (oldest->second.stream->cost() > 0) {
      log_.warn("output that nobody read is dropped for newer output of the session",
                {{"session", key.first.str()},
                 {"activity", oldest->first.second.str()},
                 {"bytes", oldest->second.stream->cost()}});
    }
    outputs_.erase(oldest);
  }
}

void ActivityRunner::look_for_stuck() {
  std::size_t stuck = 0;
  for (auto& [key, run] : runs_) {
    if (!run.run->stuck()) {
      continue;
    }
    ++stuck;
    if (!std::exchange(run.told_stuck, true)) {
      log_.warn("an activity does not stop; its session's slot stays used",
                {{"session", key.first.str()}, {"activity", key.second.str()}, {"type", run.type}});
    }
  }
  metrics_.stuck_activities(stuck);
  stuck_timer_ =
      runs_.empty() ? Cancel() : loop_.call_after(kStuckInterval, [this] { look_for_stuck(); });
}

}  // namespace berth::worker
