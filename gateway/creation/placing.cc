#include <utility>

#include "berth/api/recreate_token.h"
#include "berth/http/server.h"
#include "gateway/creation/session_creator.h"
#include "gateway/creation/ticket.h"
#include "gateway/creation/verdict.h"

namespace berth::gateway {
namespace {

constexpr std::size_t kAttemptLength = 20;

Error error_of(const Result<http::Response>& result) {
  return result ? http::error_from_response(*result) : result.error();
}

/// The worker's answer as it goes on to the caller: not its connection's headers.
http::Response passed_on(http::Response answer) {
  http::Response out;
  out.status = answer.status;
  out.headers.set("Content-Type", "application/json");
  if (answer.headers.has("Retry-After")) {
    out.headers.set("Retry-After", std::string(answer.headers.get("Retry-After")));
  }
  out.body = std::move(answer.body);
  return out;
}

}  // namespace

bool SessionCreator::place_anywhere(Ticket& ticket) {
  const auto pool = parts_.pools.find(ticket.pool_key);
  if (!pool) {
    return false;
  }
  ticket.grant =
      parts_.workers.grant(ticket.pool_key, ticket.asked, pool->placement, ticket.except);
  if (!ticket.grant) {
    return false;
  }
  place(ticket, parts_.workers.find(ticket.grant->uid)->pod, Mode::kAnyWorker);
  return true;
}

void SessionCreator::start_recreate(Ticket& ticket) {
  const auto token = api::RecreateToken::parse(*ticket.request.recreate_token);
  if (!token) {
    end_with_error(ticket, token.error(), CreationOutcome::kRejected);
    return;
  }
  const WorkerView* view = parts_.workers.find(token->uid);
  if (view == nullptr || view->pod.pool_key() != ticket.pool_key || !view->pod.reachable()) {
    end_with_error(ticket,
                   Error::make(ErrorCode::kGone, "WorkerGone",
                               "worker " + token->worker + " of this token is gone"),
                   CreationOutcome::kFailed);
    return;
  }
  place(ticket, view->pod, Mode::kRecreate);
}

/// True when this id was opened a moment ago: its session may be there still, and the caller just
/// did not hear of it.
bool SessionCreator::start_repeat(Ticket& ticket) {
  const auto* entry = recent_.find(ticket.key, parts_.loop.clock().now());
  if (entry == nullptr) {
    return false;
  }
  const WorkerView* view = parts_.workers.find(entry->uid);
  if (view == nullptr || !view->pod.reachable()) {
    return false;
  }
  if (entry->given_back && !ticket.request.token_hash) {
    ticket.except.insert(entry->uid);  // without a hash the worker cannot know it for a repeat
    return false;
  }
  place(ticket, view->pod, Mode::kRepeat);
  ticket.unclear = !entry->given_back;
  return true;
}

void SessionCreator::place(Ticket& ticket, const WorkerPod& pod, Mode mode) {
  ticket.state = Ticket::State::kPlacing;
  ticket.mode = mode;
  ticket.target = pod;
  ticket.sends = 0;
  ticket.unclear = false;
  ticket.request.attempt = parts_.random.name(kAttemptLength);
  arm(ticket);
  send(ticket);
}

void SessionCreator::send(Ticket& ticket) {
  ++ticket.sends;
  const auto creation_timeout = std::exchange(ticket.request.creation_timeout, std::nullopt);
  std::string body = dump_json(to_json(ticket.request));
  ticket.request.creation_timeout = creation_timeout;
  ticket.sending = parts_.client.create(
      ticket.target, std::move(body), settings_.worker_deadline,
      [this, &ticket](Result<http::Response> result) { answered(ticket, std::move(result)); });
}

void SessionCreator::answered(Ticket& ticket, Result<http::Response> result) {
  switch (judge(result)) {
    case Verdict::kOpened:
      opened(ticket, *std::move(result));
      return;
    case Verdict::kTellCaller:
      told(ticket, result);
      return;
    case Verdict::kTryNext:
      if (ticket.unclear && !result) {
        unclear(ticket, result);  // this one never left, the one before may have arrived
      } else {
        refused(ticket, result);
      }
      return;
    case Verdict::kUnclear:
      unclear(ticket, result);
      return;
  }
}

void SessionCreator::opened(Ticket& ticket, http::Response response) {
  if (ticket.grant) {
    if (!ticket.owner_key.empty() && response.status == 201) {
      parts_.owners.opened(ticket.pool_key, ticket.grant->uid, ticket.owner_key);
    }
    parts_.workers.opened(*std::exchange(ticket.grant, std::nullopt));
  }
  if (!ticket.has_caller()) {
    return_session(ticket);
    end(ticket, outcome_without_caller(ticket));
    return;
  }
  const TimePoint now = parts_.loop.clock().now();
  recent_.remember(ticket.key, {ticket.target.uid, false}, now);
  parts_.metrics.created_after(now - ticket.arrived);
  parts_.log.info("session opened", {{"session", ticket.request.id.str()},
                                     {"pool", ticket.pool_key},
                                     {"pod", ticket.target.name},
                                     {"owner", ticket.request.owner}});
  const Opened opened = opened_of(ticket);
  answer(ticket, passed_on(std::move(response)), &opened);
  end(ticket, CreationOutcome::kCreated);
}

void SessionCreator::told(Ticket& ticket, const Result<http::Response>& result) {
  // Without a hash the worker cannot tell our repeat from a stranger: the session in the way is our
  // own.
  if (result->status == 409 && ticket.unclear && !ticket.request.token_hash &&
      ticket.mode == Mode::kAnyWorker) {
    unclear(ticket, result);
    return;
  }
  if (ticket.grant) {
    parts_.workers.released(*std::exchange(ticket.grant, std::nullopt));
  }
  if (ticket.has_caller()) {
    answer(ticket, passed_on(*result));
  }
  end(ticket, CreationOutcome::kRejected);
}

void SessionCreator::refused(Ticket& ticket, const Result<http::Response>& result) {
  const int status = result ? result->status : 0;
  const Error error = error_of(result);
  const bool usual = status == 429 || status == 503;
  const Log::Fields fields = {{"session", ticket.request.id.str()},
                              {"pool", ticket.pool_key},
                              {"pod", ticket.target.name},
                              {"error", error}};
  if (usual) {
    parts_.log.debug("worker refused", fields);
  } else {
    parts_.log.warn("worker could not be asked", fields);
  }
  if (ticket.grant) {
    parts_.workers.refused(*std::exchange(ticket.grant, std::nullopt));
  }
  go_on(ticket, error);
}

void SessionCreator::unclear(Ticket& ticket, const Result<http::Response>& result) {
  ticket.unclear = true;
  if (ticket.has_caller() && !closing_ && worth_repeating(result) &&
      ticket.sends <= settings_.repeats) {
    ticket.sending = parts_.loop.call_after(settings_.repeat_pause * ticket.sends,
                                            [this, &ticket] { send(ticket); });
    return;
  }
  const Error error = error_of(result);
  parts_.log.warn("unclear whether the worker opened the session; giving it back",
                  {{"session", ticket.request.id.str()},
                   {"pool", ticket.pool_key},
                   {"pod", ticket.target.name},
                   {"error", error}});
  return_session(ticket);
  ticket.except.insert(ticket.target.uid);
  if (ticket.grant) {
    parts_.workers.refused(*std::exchange(ticket.grant, std::nullopt));
  }
  go_on(ticket, error);
}

/// This worker did not take it: the next one, or back to the place in line.
void SessionCreator::go_on(Ticket& ticket, const Error& error) {
  if (ticket.mode == Mode::kRecreate) {
    end_with_error(ticket, error, CreationOutcome::kFailed);
    return;
  }
  if (closing_) {
    end_with(ticket, shutting_down(), CreationOutcome::kShuttingDown);
    return;
  }
  if (!parts_.pools.find(ticket.pool_key)) {
    end_with_error(ticket, parts_.pools.unknown(ticket.pool_key), CreationOutcome::kRejected);
    return;
  }
  if (!ticket.has_caller() && ticket.kept_until <= parts_.loop.clock().now()) {
    end(ticket, outcome_without_caller(ticket));
    return;
  }
  let_wait(ticket);
  pump(ticket.pool_key);
}

Opened SessionCreator::opened_of(const Ticket& ticket) const {
  const auto pool = parts_.pools.find(ticket.pool_key);
  const Duration by_default = pool ? pool->sessions.default_heartbeat_timeout
                                   : api::SessionsSpec{}.default_heartbeat_timeout;
  return {.pool_key = ticket.pool_key,
          .pod = ticket.target,
          .id = ticket.request.id,
          .attempt = ticket.request.attempt,
          .lease = ticket.request.heartbeat_timeout.value_or(by_default)};
}

void SessionCreator::return_session(const Ticket& ticket) {
  give_back(opened_of(ticket));
}

void SessionCreator::give_back(const Opened& opened) {
  recent_.remember(opened.pool_key + "/" + opened.id.str(), {opened.pod.uid, true},
                   parts_.loop.clock().now());
  parts_.give_back.start(opened);
}

}  // namespace berth::gateway
