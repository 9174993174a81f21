#include "gateway/creation/session_creator.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "berth/base/duration.h"
#include "berth/http/server.h"
#include "gateway/creation/ticket.h"
#include "gateway/creation/verdict.h"

namespace berth::gateway {
namespace {

constexpr std::size_t kIdLength = 20;
/// A caller's clock starts before ours, by its request's way here: one that goes with less than
/// this left, or a tenth of the whole, has waited its creation timeout out.
constexpr Duration kLongestWay = std::chrono::seconds(1);
constexpr int kWayShare = 10;

Error superseded() {
  return Error::make(ErrorCode::kConflict, "Superseded",
                     "a newer call with the same id has taken this request over");
}

}  // namespace

SessionCreator::SessionCreator(Parts parts, Settings settings)
    : parts_(std::move(parts)),
      settings_(settings),
      owner_limit_(parts_.owners),
      recent_(settings.max_recent, settings.recent_age) {}

SessionCreator::~SessionCreator() = default;

Result<PoolCatalog::Ptr> SessionCreator::admit(const std::string& pool_key,
                                               const api::CreateSession& request) {
  auto pool = parts_.pools.find(pool_key);
  if (!pool) {
    return fail(parts_.pools.unknown(pool_key));
  }
  if (pool->deleting) {
    return fail(Error::make(ErrorCode::kConflict, "PoolDeleting",
                            "pool " + pool_key + " is being deleted and takes no new sessions"));
  }
  BERTH_TRY(api::check_id(request.id.str(), "id"));
  BERTH_TRY(check_limits(*pool, request));
  const std::string lacking = api::short_of(pool->capacity(), {}, request.resources);
  if (!lacking.empty() && !parts_.workers.any_has_capacity(pool_key, request.resources)) {
    const auto capacity = pool->sessions.resources.find(lacking);
    return fail(Error::invalid(
        "resources." + lacking,
        capacity == pool->sessions.resources.end()
            ? "no worker of pool " + pool_key + " has this resource"
            : "a worker of pool " + pool_key + " has only " + std::to_string(capacity->second)));
  }
  return pool;
}

SessionCreator::CallId SessionCreator::create(const std::string& pool_key,
                                              api::CreateSession request, Reply reply) {
  const CallId call = ++last_call_;
  if (closing_) {
    parts_.metrics.ended(pool_key, parts_.pools.find(pool_key) ? CreationOutcome::kShuttingDown
                                                               : CreationOutcome::kUnknownPool);
    reply(shutting_down(), nullptr);
    return call;
  }
  if (request.id.empty()) {
    request.id = api::SessionId(parts_.random.name(kIdLength));
  }
  auto pool = admit(pool_key, request);
  if (!pool) {
    const bool unknown = pool.error().code == ErrorCode::kNotFound;
    parts_.metrics.ended(pool_key,
                         unknown ? CreationOutcome::kUnknownPool : CreationOutcome::kRejected);
    reply(http::error_response(pool.error()), nullptr);
    return call;
  }
  std::string key = pool_key + "/" + request.id.str();
  if (const auto it = tickets_.find(key); it != tickets_.end()) {
    take_over(*it->second, std::move(request), call, std::move(reply));
    return call;
  }
  const std::string owner_key = OwnerLimit::key(**pool, request.owner);
  // Who repeats a create that was answered a moment ago gets that session, not one more.
  if (recent_.find(key, parts_.loop.clock().now()) == nullptr) {
    if (auto room = owner_limit_.check_new(**pool, request, owner_key); !room) {
      parts_.metrics.ended(pool_key, CreationOutcome::kOwnerLimit);
      reply(http::error_response(room.error()), nullptr);
      return call;
    }
  }
  auto owned = std::make_unique<Ticket>();
  Ticket& ticket = *owned;
  ticket.number = ++last_number_;
  ticket.key = key;
  ticket.pool_key = pool_key;
  ticket.owner_key = owner_key;
  owner_limit_.enter(pool_key, owner_key);
  ticket.asked = request.resources;
  ticket.asked[api::kSlot] = 1;
  ticket.request = std::move(request);
  ticket.arrived = parts_.loop.clock().now();
  tickets_.emplace(std::move(key), std::move(owned));
  set_caller(ticket, call, std::move(reply), **pool);
  start(ticket);
  return call;
}

void SessionCreator::set_caller(Ticket& ticket, CallId call, Reply reply, const PoolInfo& pool) {
  const TimePoint now = parts_.loop.clock().now();
  ticket.counted = false;
  ticket.call = call;
  ticket.reply = std::move(reply);
  ticket.deadline =
      now + ticket.request.creation_timeout.value_or(pool.sessions.default_creation_timeout);
  ticket.window_end = now + settings_.window;
  calls_[call] = &ticket;
}

void SessionCreator::take_over(Ticket& ticket, api::CreateSession request, CallId call,
                               Reply reply) {
  const api::CreateSession& held = ticket.request;
  if (held.owner != request.owner || held.token_hash != request.token_hash ||
      held.resources != request.resources || held.recreate_token != request.recreate_token) {
    parts_.metrics.ended(ticket.pool_key, CreationOutcome::kRejected);
    reply(http::error_response(
              Error::make(ErrorCode::kConflict, "IdInUse",
                          "another request with this id is waiting here; choose another id")),
          nullptr);
    return;
  }
  if (ticket.has_caller()) {
    answer(ticket, http::error_response(superseded()));
  }
  if (ticket.state != Ticket::State::kPlacing) {
    ticket.request = std::move(request);
  } else {
    ticket.request.creation_timeout = request.creation_timeout;
  }
  set_caller(ticket, call, std::move(reply), *parts_.pools.find(ticket.pool_key));
  if (ticket.state == Ticket::State::kAbsent) {
    ticket.state = Ticket::State::kWaiting;
    pool_line(ticket.pool_key).line.set_present(ticket.number, true);
    capacity_changed(ticket.pool_key);
  }
  arm(ticket);
}

void SessionCreator::start(Ticket& ticket) {
  if (ticket.request.recreate_token) {
    start_recreate(ticket);
    return;
  }
  if (start_repeat(ticket)) {
    return;
  }
  WaitingLine& line = pool_line(ticket.pool_key).line;
  if (!line.anybody_present(ticket.asked) && place_anywhere(ticket)) {
    return;
  }
  if (auto room = line.room_for(ticket.asked); !room) {
    end_with_error(ticket, room.error(), CreationOutcome::kLineFull);
    return;
  }
  let_wait(ticket);
}

/// Into the line at the place its number gives, with or without its caller.
void SessionCreator::let_wait(Ticket& ticket) {
  ticket.state = ticket.has_caller() ? Ticket::State::kWaiting : Ticket::State::kAbsent;
  pool_line(ticket.pool_key)
      .line.join({.number = ticket.number,
                  .id = ticket.request.id,
                  .shape = ticket.asked,
                  .arrived = ticket.arrived,
                  .present = ticket.has_caller()});
  arm(ticket);
}

void SessionCreator::arm(Ticket& ticket) {
  TimePoint when = ticket.deadline;
  if (!ticket.has_caller()) {
    if (ticket.state == Ticket::State::kPlacing) {
      ticket.timer.cancel();  // the worker's answer, or its deadline, ends this state
      return;
    }
    when = ticket.kept_until;
  } else if (ticket.state == Ticket::State::kWaiting) {
    when = std::min(ticket.deadline, ticket.window_end);
  }
  ticket.timer = parts_.loop.call_at(when, [this, &ticket] { time_is_up(ticket); });
}

void SessionCreator::time_is_up(Ticket& ticket) {
  const TimePoint now = parts_.loop.clock().now();
  if (!ticket.has_caller()) {
    end(ticket, outcome_without_caller(ticket));
    return;
  }
  if (now >= ticket.deadline) {
    const Error error = Error::make(
        ErrorCode::kDeadlineExceeded, "CreationTimeout",
        "no worker of pool " + ticket.pool_key + " had a free slot within the creation timeout");
    if (ticket.state == Ticket::State::kPlacing) {
      ticket.kept_until = now;  // what its create brings is given back
      ticket.counted = true;
      parts_.metrics.ended(ticket.pool_key, CreationOutcome::kCreationTimeout);
      answer(ticket, http::error_response(error));
    } else {
      end_with_error(ticket, error, CreationOutcome::kCreationTimeout);
    }
    return;
  }
  ticket.left_at = now;
  ticket.kept_until = std::min(ticket.deadline, now + settings_.keep_place);
  ticket.state = Ticket::State::kAbsent;
  pool_line(ticket.pool_key).line.set_present(ticket.number, false);
  answer(ticket, still_waiting(ticket.request.id));
  arm(ticket);
}

void SessionCreator::caller_gone(CallId call) {
  const auto it = calls_.find(call);
  if (it == calls_.end()) {
    return;
  }
  Ticket& ticket = *it->second;
  calls_.erase(it);
  ticket.reply = nullptr;
  ticket.left_at = parts_.loop.clock().now();
  ticket.kept_until = std::min(ticket.deadline, ticket.left_at + settings_.keep_place);
  if (ticket.state == Ticket::State::kWaiting) {
    ticket.state = Ticket::State::kAbsent;
    pool_line(ticket.pool_key).line.set_present(ticket.number, false);
  }
  arm(ticket);
}

SessionCreator::PoolLine& SessionCreator::pool_line(const std::string& pool_key) {
  const auto it = lines_.find(pool_key);
  if (it != lines_.end()) {
    return it->second;
  }
  const auto on_change = [this, pool_key](std::size_t waiting) {
    parts_.metrics.waiting(pool_key, waiting);
    parts_.on_demand(pool_key, waiting);
  };
  parts_.metrics.waiting(pool_key, 0);
  return lines_.try_emplace(pool_key, settings_.line, on_change).first->second;
}

void SessionCreator::show_ages() const {
  const TimePoint now = parts_.loop.clock().now();
  for (const auto& [pool_key, pool] : lines_) {
    parts_.metrics.oldest_wait(pool_key, now - pool.line.oldest().value_or(now));
  }
}

const WaitingLine* SessionCreator::line(const std::string& pool_key) const {
  const auto it = lines_.find(pool_key);
  return it == lines_.end() ? nullptr : &it->second.line;
}

void SessionCreator::capacity_changed(const std::string& pool_key) {
  const auto it = lines_.find(pool_key);
  if (it == lines_.end() || it->second.line.empty() ||
      std::exchange(it->second.pump_posted, true)) {
    return;
  }
  parts_.loop.post([this, pool_key, alive = std::weak_ptr(alive_)] {
    if (!alive.expired()) {
      pump(pool_key);
    }
  });
}

void SessionCreator::pump(const std::string& pool_key) {
  const auto it = lines_.find(pool_key);
  if (it == lines_.end()) {
    return;
  }
  it->second.pump_posted = false;
  const auto pool = parts_.pools.find(pool_key);
  std::vector<std::pair<Ticket*, Error>> over_limit;
  it->second.line.offer([&](const WaitingLine::Place& place) {
    Ticket& ticket = *tickets_.at(pool_key + "/" + place.id.str());
    if (auto room =
            pool ? owner_limit_.check_waiting(*pool, ticket.request, ticket.owner_key) : Status();
        !room) {
      over_limit.emplace_back(&ticket, std::move(room).error());
      return WaitingLine::Taken::kPassOn;
    }
    if (place_anywhere(ticket)) {
      return WaitingLine::Taken::kTaken;
    }
    return ticket.except.empty() ? WaitingLine::Taken::kFitsNowhere : WaitingLine::Taken::kPassOn;
  });
  for (const auto& [ticket, error] : over_limit) {
    end_with_error(*ticket, error, CreationOutcome::kOwnerLimit);
  }
}

void SessionCreator::answer(Ticket& ticket, http::Response response, const Opened* opened) {
  calls_.erase(ticket.call);
  std::exchange(ticket.reply, nullptr)(std::move(response), opened);
}

CreationOutcome SessionCreator::outcome_without_caller(const Ticket& ticket) const {
  const Duration way =
      std::min<Duration>(kLongestWay, (ticket.deadline - ticket.arrived) / kWayShare);
  return ticket.left_at >= ticket.deadline - way ? CreationOutcome::kCreationTimeout
                                                 : CreationOutcome::kCallerGone;
}

void SessionCreator::end_with_error(Ticket& ticket, const Error& error, CreationOutcome outcome) {
  end_with(ticket, http::error_response(error), outcome);
}

void SessionCreator::end_with(Ticket& ticket, http::Response response, CreationOutcome outcome) {
  if (ticket.has_caller()) {
    answer(ticket, std::move(response));
  } else {
    outcome = outcome_without_caller(ticket);
  }
  end(ticket, outcome);
}

void SessionCreator::end(Ticket& ticket, CreationOutcome outcome) {
  if (!ticket.counted) {
    parts_.metrics.ended(ticket.pool_key, outcome);
  }
  if (const auto line = lines_.find(ticket.pool_key); line != lines_.end()) {
    line->second.line.leave(ticket.number);
  }
  owner_limit_.leave(ticket.pool_key, ticket.owner_key);
  const auto node = tickets_.extract(ticket.key);
  if (closing_ && tickets_.empty() && closed_) {
    parts_.loop.post(std::exchange(closed_, nullptr));
  }
}

void SessionCreator::pool_removed(const std::string& pool_key) {
  std::vector<Ticket*> waiting;
  for (const auto& [_, ticket] : tickets_) {
    if (ticket->pool_key == pool_key && ticket->state != Ticket::State::kPlacing) {
      waiting.push_back(ticket.get());
    }
  }
  for (Ticket* ticket : waiting) {
    end_with_error(*ticket, parts_.pools.unknown(pool_key), CreationOutcome::kRejected);
  }
  if (const auto it = lines_.find(pool_key); it == lines_.end() || it->second.line.empty()) {
    lines_.erase(pool_key);
    parts_.metrics.forget(pool_key);
  }
}

void SessionCreator::shut_down(std::function<void()> done) {
  closing_ = true;
  std::vector<Ticket*> waiting;
  for (const auto& [_, ticket] : tickets_) {
    if (ticket->state != Ticket::State::kPlacing) {
      waiting.push_back(ticket.get());
    }
  }
  for (Ticket* ticket : waiting) {
    end_with(*ticket, shutting_down(), CreationOutcome::kShuttingDown);
  }
  if (tickets_.empty()) {
    parts_.loop.post(std::move(done));
  } else {
    closed_ = std::move(done);
  }
}

}  // namespace berth::gateway
