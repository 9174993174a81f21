#include "temporal/creation/creator.h"

#include <algorithm>
#include <utility>

#include "temporal/session/hosted_session.h"

namespace berth::temporal {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Servers warn of polls below 10 s.
constexpr Duration kRequestWait = seconds(10);
// A little longer than a poll, so that one whole poll has looked for the slot's request.
constexpr Duration kSlotWait = seconds(11);
constexpr Duration kPollAgain = seconds(1);
// How long a request that was taken waits for its slot. Temporal hears nothing of it meanwhile.
constexpr Duration kLongestHold = seconds(3);
constexpr Duration kRetry = seconds(1);

Duration hold_for(const ActivityTask& task) {
  return task.heartbeat_timeout > Duration(0) ? std::min(kLongestHold, task.heartbeat_timeout / 2)
                                              : kLongestHold;
}

}  // namespace

Creator::Creator(EventLoop& loop, Service& service, Pool& pool, Answers& answers, Random& random,
                 EngineMetrics& metrics, Settings settings, Hooks hooks, Log log)
    : loop_(loop),
      service_(service),
      pool_(pool),
      answers_(answers),
      metrics_(metrics),
      settings_(std::move(settings)),
      hooks_(std::move(hooks)),
      log_(std::move(log)),
      backoff_({.initial = seconds(1), .max = seconds(30), .factor = 2.0, .jitter = 0.2}, random) {}

void Creator::start() {
  look();
  settle();
}

void Creator::stop() {
  stopping_ = true;  // The looks go on: whether Temporal answers is still of interest.
  while (!requests_.empty()) {
    hand_back(requests_.begin()->first);
  }
  line_.clear();
  for (const auto& [id, slot] : slots_) {
    slot.held->complete(Duration(0));
  }
  slots_.clear();
  settle();
}

// --- how many wait

void Creator::look() {
  look_call_ = service_.backlog(settings_.queue, [this](const auto& backlog) { seen(backlog); });
}

void Creator::seen(const Result<std::int64_t>& backlog) {
  connected_ = backlog.has_value();
  metrics_.temporal_up.set(connected_ ? 1 : 0);
  if (backlog) {
    if (std::exchange(silent_, false)) {
      log_.info("Temporal answers again");
    }
    backlog_.counted(*backlog, loop_.clock().now());
    settle();
  } else if (!std::exchange(silent_, true)) {
    log_.warn("how many requests wait is not known",
              {{"queue", settings_.queue}, {"error", backlog.error()}});
  }
  timer_ = loop_.call_after(settings_.interval, [this] { look(); });
}

// --- what there should be of each

void Creator::settle() {
  match();
  fit_line();
  while (polls_.size() < polls_wanted()) {
    poll();
  }
  metrics_.sessions_waiting.set(static_cast<double>(backlog_.waiting()) +
                                static_cast<double>(requests_.size()));
  metrics_.slots_reserved.set(static_cast<double>(line_.size() + slots_.size()));
}

void Creator::match() {
  while (!requests_.empty() && !slots_.empty()) {
    const auto request = std::move(requests_.extract(requests_.begin()).mapped());
    auto slot = std::move(slots_.extract(slots_.begin()).mapped());
    hooks_.bound(request.task, std::move(slot.held));
  }
}

void Creator::fit_line() {
  const std::size_t wanted = requests_.size() + static_cast<std::size_t>(backlog_.waiting());
  const std::size_t places = wanted > slots_.size() ? wanted - slots_.size() : 0;
  while (line_.size() > places) {
    line_.erase(std::prev(line_.end()));  // The older ones are further ahead.
  }
  while (line_.size() < places && may_join()) {
    join_line();
  }
}

bool Creator::may_join() const {
  return !stopping_ && loop_.clock().now() >= not_before_ &&
         hooks_.open() + line_.size() + slots_.size() < settings_.max_sessions;
}

std::size_t Creator::polls_wanted() const {
  if (stopping_ || settle_soon_) {
    return 0;
  }
  // One more than slots that wait, as long as nobody in line waits for a slot without a request.
  const bool pool_gives = line_.size() <= requests_.size() && may_join();
  return slots_.size() + (pool_gives ? 1 : 0);
}

// --- requests

void Creator::poll() {
  const std::uint64_t id = ++last_;
  polls_[id] = service_.poll(settings_.queue, kRequestWait,
                             [this, id](const auto& result) { polled(id, result); });
}

void Creator::polled(std::uint64_t id, const Result<std::optional<ActivityTask>>& result) {
  polls_.erase(id);
  if (!result) {
    log_.debug("a poll failed", {{"queue", settings_.queue}, {"error", result.error()}});
    settle_soon_ = loop_.call_after(kPollAgain, [this] {
      settle_soon_ = Cancel();
      settle();
    });
  } else if (*result) {
    backlog_.taken();
    take(**result);
  }
  settle();
}

void Creator::take(const ActivityTask& task) {
  if (task.type != kCreationActivity) {
    answers_.failed(task.token, {.type = "UnknownActivity",
                                 .message = "this queue is for requests of sessions only",
                                 .non_retryable = true});
    return;
  }
  // It came to a poll from before the pool was full. Held again and again, it would never be in the
  // queue for long enough to time out.
  const bool goes_back = stopping_ || (slots_.empty() && line_.size() > requests_.size());
  const std::uint64_t id = ++last_;
  requests_.emplace(id, Request{task, loop_.call_after(hold_for(task), [this, id] {
                                  hand_back(id);
                                  settle();
                                })});
  if (goes_back) {
    hand_back(id);
  }
}

void Creator::hand_back(std::uint64_t id) {
  const auto request = std::move(requests_.extract(id).mapped());
  // Retryable: nothing has been promised yet, and it goes back into the queue.
  answers_.failed(request.task.token,
                  {.type = "NoFreeSlot",
                   .message = stopping_ ? "this berth-temporal stops; another one is to serve it"
                                        : "the pool has no free slot yet; waiting for one",
                   .non_retryable = false,
                   .next_retry = kRetry});
  backlog_.handed_back(loop_.clock().now());
}

// --- slots

void Creator::join_line() {
  const std::uint64_t id = ++last_;
  line_[id] = pool_.open(settings_.longest_wait,
                         [this, id](auto result) { opened(id, std::move(result)); });
}

void Creator::opened(std::uint64_t id, Result<std::unique_ptr<HeldSession>> result) {
  line_.erase(id);
  if (!result) {
    refused(result.error());
    settle();
    return;
  }
  backoff_.reset();
  (*result)->on_lost([this, id](const Error& why) {
    log_.warn("a slot was lost before a workflow had it", {{"error", why}});
    slots_.erase(id);
    settle();
  });
  slots_.emplace(
      id, Slot{*std::move(result), loop_.call_after(kSlotWait, [this, id] { nobody_came(id); })});
  settle();
}

void Creator::refused(const Error& error) {
  if (error.code == ErrorCode::kDeadlineExceeded) {
    return;  // It has waited long, and joins the line again if somebody still waits.
  }
  metrics_.reservations_failed.inc();
  const Duration pause = backoff_.next(error);
  not_before_ = loop_.clock().now() + pause;
  log_.warn(
      "the pool gives no slot",
      {{"error", error}, {"again_in_ms", std::chrono::duration_cast<milliseconds>(pause).count()}});
}

void Creator::nobody_came(std::uint64_t id) {
  const auto slot = std::move(slots_.extract(id).mapped());
  log_.info("a slot is given back: no request came for it");
  metrics_.reservations_unused.inc();
  slot.held->complete(Duration(0));
  backlog_.nobody_came(loop_.clock().now());
  settle();
}

}  // namespace berth::temporal
