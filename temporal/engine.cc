#include "temporal/engine.h"

#include <algorithm>
#include <utility>

namespace berth::temporal {
namespace {

// sdk-go, internal/session.go: getCreationTaskqueue.
constexpr std::string_view kCreationSuffix = "__internal_session_creation";
constexpr Duration kDrainLook = std::chrono::milliseconds(200);

}  // namespace

Engine::Engine(Parts parts, Settings settings)
    : parts_(std::move(parts)),
      settings_(std::move(settings)),
      answers_(parts_.loop, parts_.service, parts_.random, parts_.log),
      creator_(
          parts_.loop, parts_.service, parts_.pool, answers_, parts_.random, parts_.metrics,
          {.queue = settings_.task_queue + std::string(kCreationSuffix),
           .interval = settings_.interval,
           .max_sessions = settings_.max_sessions},
          {.open = [this] { return open_sessions(); },
           .bound = [this](const ActivityTask& task,
                           std::unique_ptr<HeldSession> held) { bind(task, std::move(held)); }},
          parts_.log) {}

void Engine::start() {
  const auto files = parts_.store.load();
  for (const auto& [name, content] : files) {
    if (const std::size_t dot = name.find('.'); dot != std::string::npos) {
      if (!files.contains(name.substr(0, dot))) {
        parts_.store.erase(name);  // An activity whose session ended before it.
      }
      continue;  // Its session takes it up.
    }
    const std::uint64_t key = ++last_;
    if (auto session = HostedSession::restore(session_parts(), parts_.pool, name, files,
                                              settings_.keep_for, hooks_of(key))) {
      sessions_.emplace(key, std::move(session));
    } else {
      parts_.store.erase(name);
    }
  }
  creator_.start();
}

std::size_t Engine::open_sessions() const {
  return static_cast<std::size_t>(std::count_if(
      sessions_.begin(), sessions_.end(), [](const auto& entry) { return entry.second->open(); }));
}

HostedSession::Parts Engine::session_parts() {
  return {parts_.loop,   parts_.service, answers_,  parts_.store,
          parts_.random, parts_.metrics, parts_.log};
}

HostedSession::Hooks Engine::hooks_of(std::uint64_t key) {
  return {.recreate = [this](const ActivityTask& task,
                             const std::string& token) { recreate(task, token); },
          .gone =
              [this, key] {
                parts_.loop.post([this, key, alive = std::weak_ptr(alive_)] {
                  if (const auto held = alive.lock()) {
                    sessions_.erase(key);
                  }
                });
              }};
}

void Engine::bind(const ActivityTask& task, std::unique_ptr<HeldSession> held) {
  auto binding = Binding::of(task);
  if (!binding) {
    answers_.failed(
        task.token,
        {.type = "InvalidArgument", .message = binding.error().text(), .non_retryable = true});
    held->complete(Duration(0));
    return;
  }
  const std::uint64_t key = ++last_;
  auto session = std::make_unique<HostedSession>(
      session_parts(), *std::move(binding), std::move(held), settings_.keep_for, hooks_of(key));
  if (const Status begun = session->begin(); !begun) {
    parts_.log.error("a session cannot be written down", {{"error", begun.error()}});
    // Retryable, as nothing has been promised; dropping the session gives its slot back.
    answers_.failed(task.token, {.type = std::string(begun.error().reason_or_code()),
                                 .message = begun.error().message,
                                 .non_retryable = false,
                                 .next_retry = std::chrono::seconds(5)});
    return;
  }
  sessions_.emplace(key, std::move(session));
}

void Engine::recreate(const ActivityTask& task, const std::string& token) {
  const std::uint64_t key = ++last_;
  recreating_[key] =
      parts_.pool.recreate(token, [this, key, task](Result<std::unique_ptr<HeldSession>> result) {
        recreated(task, std::move(result));
        recreating_.erase(key);
      });
}

void Engine::recreated(const ActivityTask& task, Result<std::unique_ptr<HeldSession>> result) {
  if (result && hurried_) {
    (*result)->complete(Duration(0));
    result = fail(Error::make(ErrorCode::kUnavailable, "", "berth-temporal was told to stop"));
  }
  if (!result) {
    parts_.log.warn("a session was not re-created",
                    {{"workflow", task.workflow_id}, {"error", result.error()}});
    answers_.failed(
        task.token,
        {.type = "WorkerGone", .message = result.error().text(), .non_retryable = true});
    return;
  }
  bind(task, *std::move(result));
}

// --- the end

void Engine::drain(Duration grace, std::function<void()> done) {
  draining_ = true;
  drained_ = std::move(done);
  parts_.log.info("draining", {{"open_sessions", open_sessions()}});
  creator_.stop();
  grace_ = parts_.loop.call_after(grace, [this] { hurry(); });
  look_whether_drained();
}

void Engine::hurry() {
  hurried_ = true;
  if (const std::size_t left = open_sessions(); left > 0) {
    parts_.log.warn("ending sessions that are still open", {{"open_sessions", left}});
  }
  for (const auto& [key, session] : sessions_) {
    session->shut_down();
  }
}

void Engine::look_whether_drained() {
  const bool working = !creator_.idle() || !recreating_.empty() || answers_.pending() > 0 ||
                       std::any_of(sessions_.begin(), sessions_.end(), [](const auto& entry) {
                         return entry.second->open() || entry.second->busy();
                       });
  if (!working) {
    drained_();
    return;
  }
  drain_look_ = parts_.loop.call_after(kDrainLook, [this] { look_whether_drained(); });
}

}  // namespace berth::temporal
