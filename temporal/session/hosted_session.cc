#include "temporal/session/hosted_session.h"

#include <algorithm>
#include <utility>

#include "temporal/session/saved_session.h"

namespace berth::temporal {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kPollWait = seconds(30);
// A workflow that was quick to complete its session may be as quick to ask for it again.
constexpr Duration kShortestLinger = seconds(10);
constexpr std::size_t kMostActivities = 256;
constexpr std::size_t kIdLength = 20;
constexpr Backoff::Settings kRepeat{
    .initial = milliseconds(200), .max = seconds(5), .factor = 2.0, .jitter = 0.2};

Failure session_failed(std::string message) {
  return {.type = "SessionFailed", .message = std::move(message), .non_retryable = true};
}

}  // namespace

Result<Binding> Binding::of(const ActivityTask& creation) {
  BERTH_ASSIGN(const Json id, arguments(creation.input));
  if (!id.is_string() || id.get_ref<const std::string&>().empty()) {
    return fail(Error::invalid("argument", "is not the id of a session"));
  }
  return Binding{creation.token, id.get<std::string>(), creation.workflow_id, creation.run_id,
                 creation.heartbeat_timeout};
}

HostedSession::HostedSession(Parts parts, Binding binding, std::unique_ptr<HeldSession> held,
                             Duration keep_for, Hooks hooks)
    : parts_(std::move(parts)),
      binding_(std::move(binding)),
      held_(std::move(held)),
      keep_for_(keep_for),
      hooks_(std::move(hooks)),
      log_(parts_.log.with({{"session", held_->handle().id},
                            {"worker", held_->handle().worker},
                            {"temporal_session", binding_.session_id},
                            {"workflow", binding_.workflow_id},
                            {"run", binding_.run_id}})),
      name_(held_->handle().id),
      queue_(held_->handle().id + "@" + held_->handle().worker),
      signal_backoff_(kRepeat, parts_.random),
      poll_backoff_(kRepeat, parts_.random) {}

HostedSession::~HostedSession() {
  if (open_) {
    parts_.metrics.sessions_open.add(-1);
  }
  parts_.metrics.activities_running.add(-static_cast<double>(runs_.size()));
}

std::unique_ptr<HostedSession> HostedSession::restore(const Parts& parts, Pool& pool,
                                                      const std::string& name,
                                                      const std::map<std::string, Json>& files,
                                                      Duration keep_for, Hooks hooks) {
  auto saved = SavedSession::parse(files.at(name));
  if (!saved) {
    parts.log.error("a session's state is of no use; the session frees itself",
                    {{"file", name}, {"error", saved.error()}});
    return nullptr;
  }
  auto session = std::make_unique<HostedSession>(
      parts, std::move(saved->binding),
      pool.attach(std::move(saved->handle), std::move(saved->recreate_token)), keep_for,
      std::move(hooks));
  session->log_.info("session taken up again");
  session->go_on();
  const std::string prefix = name + ".";
  for (auto it = files.upper_bound(prefix); it != files.end() && it->first.starts_with(prefix);
       ++it) {
    if (auto activity = SavedActivity::parse(it->second)) {
      session->start_run(activity->task, it->first.substr(prefix.size()),
                         std::move(activity->input), true);
    } else {
      session->log_.error("an activity's state is of no use; Temporal times it out",
                          {{"file", it->first}, {"error", activity.error()}});
      parts.store.erase(it->first);
    }
  }
  return session;
}

Status HostedSession::begin() {
  BERTH_TRY(parts_.store.save(
      name_, to_json(SavedSession{binding_, held_->handle(), held_->recreate_token()})));
  log_.info("session given to a workflow");
  parts_.metrics.sessions_created.inc();
  go_on();
  return {};
}

void HostedSession::go_on() {
  open_ = true;
  parts_.metrics.sessions_open.add(1);
  held_->on_lost([this](const Error& why) { end(End::kLost, why); });
  heartbeats_ = std::make_unique<Heartbeats>(
      parts_.loop, parts_.service, binding_.token, binding_.heartbeat_timeout,
      Heartbeats::Hooks{.cancel_requested = [this] { end(End::kCancelled, {}); },
                        .gone = [this](const Error& why) { end(End::kGone, why); }},
      log_);
  heartbeats_->start(true);
  signal();
  poll();
}

// --- telling the workflow

void HostedSession::signal() {
  // Sent again after a restart, and taken once: the request's id is the same.
  signal_call_ = parts_.service.signal(
      binding_.workflow_id, binding_.run_id, binding_.session_id,
      {{"Taskqueue", queue_}, {"HostName", held_->handle().worker}, {"ResourceID", name_}}, name_,
      [this](const Status& status) { signalled(status); });
}

void HostedSession::signalled(const Status& status) {
  if (status || !open_) {
    return;
  }
  if (status.error().code == ErrorCode::kNotFound) {
    end(End::kGone, status.error());
  } else if (status.error().retryable()) {
    signal_call_ =
        parts_.loop.call_after(signal_backoff_.next(status.error()), [this] { signal(); });
  } else {
    end(End::kRefused, status.error());
  }
}

// --- its queue

void HostedSession::poll() {
  polling_ = true;
  poll_call_ =
      parts_.service.poll(queue_, kPollWait, [this](const auto& result) { polled(result); });
}

void HostedSession::polled(const Result<std::optional<ActivityTask>>& result) {
  polling_ = false;
  if (result) {
    poll_backoff_.reset();
    if (*result) {
      take(**result);
    }
  }
  if (leaving_) {
    leave_if_done();
    return;
  }
  if (result) {
    poll();
    return;
  }
  log_.debug("a poll failed", {{"queue", queue_}, {"error", result.error()}});
  poll_call_ = parts_.loop.call_after(poll_backoff_.next(result.error()), [this] { poll(); });
}

void HostedSession::take(const ActivityTask& task) {
  if (task.type == kCreationActivity) {
    hooks_.recreate(task, held_->recreate_token());
  } else if (task.type == kCompletionActivity && open_) {
    end(End::kCompleted, {}, task.token);
  } else if (task.type == kCompletionActivity) {
    // Whatever else it were told, CompleteSession would ask again and again.
    parts_.answers.completed(task.token, nullptr);
  } else if (!open_) {
    parts_.answers.failed(task.token, session_failed("the session is over"));
  } else {
    run(task);
  }
}

void HostedSession::run(const ActivityTask& task) {
  auto input = arguments(task.input);
  if (!input) {
    parts_.answers.failed(
        task.token,
        {.type = "InvalidArgument", .message = input.error().text(), .non_retryable = true});
    return;
  }
  const std::string id = parts_.random.name(kIdLength);
  Status taken =
      runs_.size() < kMostActivities
          ? parts_.store.save(name_ + "." + id, to_json(SavedActivity{task, *input}))
          : fail(Error::make(ErrorCode::kResourceExhausted, "TooManyActivities",
                             std::to_string(kMostActivities) + " activities run in this session"));
  if (!taken) {
    log_.warn("an activity is put off", {{"type", task.type}, {"error", taken.error()}});
    parts_.answers.failed(task.token, {.type = std::string(taken.error().reason_or_code()),
                                       .message = taken.error().message,
                                       .non_retryable = false,
                                       .next_retry = seconds(1)});
    return;
  }
  start_run(task, id, *std::move(input), false);
}

void HostedSession::start_run(const ActivityTask& task, const std::string& id, Json input,
                              bool resumed) {
  auto run = std::make_unique<ActivityRun>(
      parts_.loop, parts_.service, parts_.answers, task, id,
      ActivityRun::Hooks{
          .unwanted =
              [this] {
                if (heartbeats_) {
                  heartbeats_->look();  // Often its session is unwanted too.
                }
              },
          .ended = [this, id](Outcome outcome, const Error& why) { run_ended(id, outcome, why); }},
      log_);
  ActivityRun& started = *runs_.emplace(id, std::move(run)).first->second;
  parts_.metrics.activities_running.add(1);
  started.start(*held_, std::move(input), resumed);
}

void HostedSession::run_ended(const std::string& id, Outcome outcome, const Error& why) {
  if (outcome == Outcome::kLost) {
    end(End::kLost, why);
    orphaned(runs_.at(id)->task().token);
  }
  parts_.metrics.activities_running.add(-1);
  parts_.metrics.activities_ended[to_string(outcome)].inc();
  parts_.store.erase(name_ + "." + id);
  runs_.erase(id);
  leave_if_done();
}

void HostedSession::orphaned(const std::string& token) {
  if (orphans_->session_told) {
    parts_.answers.failed(token, session_failed("the session is over"));
  } else {
    orphans_->tokens.push_back(token);
  }
}

// --- the end

void HostedSession::shut_down() {
  end(End::kShutdown, {});
}

void HostedSession::end(End how, const Error& why,
                        const std::optional<std::string>& completion_token) {
  if (!std::exchange(open_, false)) {
    return;
  }
  if (how == End::kCompleted || how == End::kCancelled) {
    log_.info("session ended", {{"reason", to_string(how)}});
  } else {
    log_.warn("session ended", {{"reason", to_string(how)}, {"why", why.text()}});
  }
  parts_.metrics.sessions_open.add(-1);
  parts_.metrics.sessions_ended[how].inc();
  signal_call_.cancel();
  heartbeats_.reset();
  answer_creation(how, why, completion_token);
  for (const auto& [id, run] : runs_) {
    run->cancel();
  }
  if (how != End::kLost) {
    held_->complete(keep_for_);
  }
  parts_.store.erase(name_);
  linger_ = parts_.loop.call_after(std::max(keep_for_, kShortestLinger), [this] {
    leaving_ = true;
    leave_if_done();
  });
}

void HostedSession::answer_creation(End how, const Error& why,
                                    const std::optional<std::string>& completion) {
  switch (how) {
    case End::kCompleted:
      // In this order: behind the completion's answer the workflow may be over at once.
      parts_.answers.completed(binding_.token, nullptr,
                               [&answers = parts_.answers, token = completion.value_or("")] {
                                 answers.completed(token, nullptr);
                               });
      break;
    case End::kCancelled:
      parts_.answers.cancelled(binding_.token);
      break;
    case End::kGone:
      break;
    case End::kShutdown:
      parts_.answers.failed(binding_.token, session_failed("berth-temporal was told to stop"));
      break;
    case End::kLost:
    case End::kRefused:
      parts_.answers.failed(
          binding_.token, session_failed(why.text()),
          [&answers = parts_.answers, orphans = orphans_, failure = session_failed(why.text())] {
            orphans->session_told = true;
            for (const std::string& token : orphans->tokens) {
              answers.failed(token, failure);
            }
          });
      break;
  }
}

void HostedSession::leave_if_done() {
  if (leaving_ && !polling_ && runs_.empty() && hooks_.gone) {
    std::exchange(hooks_.gone, nullptr)();
  }
}

}  // namespace berth::temporal
