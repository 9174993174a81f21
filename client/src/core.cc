#include "client/src/core.h"

#include <utility>
#include <vector>

#include "client/src/errors.h"

namespace berth::client {
namespace {

// Beyond this share of its lease, the age of the answer that opened a session is worth a renewal at
// once: it may have lain in line, or on the way.
constexpr int kFreshShare = 3;

ClientError closed_error() {
  return cancelled("the client was closed");
}

}  // namespace

std::optional<ClientError> not_usable(const Session& session) {
  switch (session.state()) {
    case SessionState::kFailed:
      return session.failure();
    case SessionState::kClosed:
      return client_error(
          ErrorKind::kNoSession,
          Error::make(ErrorCode::kGone, "", "the context's session has been completed"));
    case SessionState::kOpen:
      break;
  }
  return std::nullopt;
}

Core::Core(Parts parts, ClientOptions options)
    : parts_(std::move(parts)), options_(std::move(options)) {
  auto gateways = Gateways::parse(options_.gateway);
  if (gateways) {
    gateways_ = *std::move(gateways);
  } else {
    bad_gateway_ = gateways.error();
  }
  if (!parts_.roots) {
    bad_gateway_ = Error::invalid("ca_file", parts_.roots.error().text());
  }
}

// Keeps a call until it answers, and lets its scope stop it.
template <class CallType>
std::uint64_t Core::run(const std::shared_ptr<CallType>& call, const ScopePtr& scope) {
  const std::uint64_t number = last_call_;
  Running& running = calls_[number];
  running.stop = [call] { call->cancel(); };
  running.on_cancel = scope->on_cancel([door = parts_.door, weak = std::weak_ptr<CallType>(call)] {
    door->post([weak] {
      if (const auto alive = weak.lock()) {
        alive->cancel();
      }
    });
  });
  call->start();
  return number;
}

template <class T>
Core::DoneFn<T> Core::once(std::uint64_t number, DoneFn<T> done) {
  return [this, number, done = std::move(done)](Outcome<T> outcome) {
    const auto node = calls_.extract(number);
    done(std::move(outcome));
  };
}

template <class T>
bool Core::refuses(const SessionPtr& session, const DoneFn<T>& done) const {
  const auto error = shut_ ? std::optional(closed_error()) : not_usable(*session);
  if (error) {
    done(fail(*error));
  }
  return error.has_value();
}

// --- sessions

void Core::open(Opening opening, const ScopePtr& scope, DoneFn<SessionPtr> done) {
  if (shut_ || bad_gateway_) {
    done(fail(shut_ ? closed_error() : client_error(*bad_gateway_)));
    return;
  }
  CreateCall::Ask ask;
  ask.ns = options_.ns;
  ask.pool = opening.pool;
  ask.gateway_token = token();
  ask.options = opening.options;
  ask.recreate_token = opening.recreate_token;
  ask.call_timeout = options_.call_timeout;
  const auto answered = [this, opening = std::move(opening), scope,
                         done = std::move(done)](Outcome<CreateCall::Opened> outcome) {
    if (outcome) {
      opened(opening, scope, *std::move(outcome), done);
    } else {
      done(fail(std::move(outcome).error()));
    }
  };
  run(std::make_shared<CreateCall>(
          CreateCall::Parts{parts_.loop, parts_.transport, parts_.random, gateways_, options_.log},
          std::move(ask), once<CreateCall::Opened>(++last_call_, answered)),
      scope);
}

void Core::opened(const Opening& opening, const ScopePtr& scope, CreateCall::Opened opened,
                  const DoneFn<SessionPtr>& done) {
  const api::SessionCreated& created = opened.created;
  SessionFacts facts;
  facts.ns = options_.ns;
  facts.pool = opening.pool;
  facts.worker = created.worker.name;
  facts.address = created.worker.address;
  facts.id = created.id.str();
  facts.token = std::move(opened.token);
  facts.recreate_token = created.recreate_token;
  facts.heartbeat_timeout = created.heartbeat_timeout;
  const SessionPtr session = new_session(std::move(facts), opening.parent);
  const TimePoint now = parts_.loop.clock().now();
  const bool fresh = now - opened.sent_at < created.heartbeat_timeout / kFreshShare;
  adopt(session, fresh ? opened.sent_at : now, !fresh);
  options_.log.debug("session opened",
                     {{"session", session->facts().id}, {"worker", session->facts().worker}});
  if (scope->cancelled() || shut_) {
    session->complete(Duration(0), nullptr);
    done(fail(cancelled("the creation of the session was cancelled")));
    return;
  }
  done(session);
}

Core::SessionPtr Core::new_session(SessionFacts facts, const ScopePtr& parent) {
  facts.direct = options_.direct;
  if (facts.address.empty()) {
    facts.direct = false;
  } else if (bad_gateway_ && !facts.direct) {
    facts.direct = true;  // There is no other way.
  }
  // The callback cannot know its session before it exists.
  auto self = std::make_shared<const Session*>(nullptr);
  auto session = std::make_shared<Session>(
      Session::Parts{parts_.loop, parts_.transport, parts_.random, gateways_, parts_.door,
                     options_.log, options_.call_timeout},
      std::move(facts), CancelScope::child_of(parent), [this, self] { left(*self); });
  *self = session.get();
  return session;
}

void Core::adopt(const SessionPtr& session, TimePoint leased_from, bool renew_now) {
  if (shut_ || (bad_gateway_ && session->facts().direct == false)) {
    session->abandon();
    return;
  }
  sessions_.emplace(session.get(), session);
  session->start(leased_from, renew_now);
}

void Core::left(const Session* session) {
  const auto node = sessions_.extract(session);
  if (sessions_.empty()) {
    closed();
  }
}

// --- calls

std::function<std::string()> Core::token() const {
  return options_.token_source ? options_.token_source : [token = options_.token] { return token; };
}

void Core::execute(const SessionPtr& session, ActivityCall::Ask ask, const ScopePtr& scope,
                   DoneFn<ActivityResult> done) {
  if (!refuses(session, done)) {
    run(std::make_shared<ActivityCall>(
            ActivityCall::Parts{parts_.loop, parts_.random, parts_.door, options_.log}, session,
            std::move(ask), once<ActivityResult>(++last_call_, std::move(done))),
        scope);
  }
}

void Core::upload(const SessionPtr& session, std::string suffix,
                  std::shared_ptr<const LocalFile> file, const ScopePtr& scope,
                  DoneFn<std::monostate> done) {
  if (!refuses(session, done)) {
    run(std::make_shared<Upload>(
            FileTransfer::Parts{parts_.loop, parts_.random, parts_.run_blocking}, session,
            std::move(suffix), std::move(file),
            once<std::monostate>(++last_call_, std::move(done))),
        scope);
  }
}

void Core::download(const SessionPtr& session, std::string suffix, std::shared_ptr<PartFile> file,
                    const ScopePtr& scope, DoneFn<std::monostate> done) {
  if (!refuses(session, done)) {
    run(std::make_shared<Download>(
            FileTransfer::Parts{parts_.loop, parts_.random, parts_.run_blocking}, session,
            std::move(suffix), std::move(file),
            once<std::monostate>(++last_call_, std::move(done))),
        scope);
  }
}

void Core::get(const std::string& path, const ScopePtr& scope, DoneFn<Json> done) {
  if (shut_ || bad_gateway_) {
    done(fail(shut_ ? closed_error() : client_error(*bad_gateway_)));
    return;
  }
  run(std::make_shared<GetCall>(
          GetCall::Parts{parts_.loop, parts_.transport, gateways_, token(), options_.call_timeout},
          path, once<Json>(++last_call_, std::move(done))),
      scope);
}

// --- end

void Core::close(std::function<void()> done) {
  closing_ = std::move(done);
  grace_ = parts_.loop.call_after(kCloseGrace, [this] { closed(); });
  std::vector<std::uint64_t> numbers;
  for (const auto& [number, call] : calls_) {
    numbers.push_back(number);
  }
  for (const std::uint64_t number : numbers) {
    if (const auto it = calls_.find(number); it != calls_.end()) {
      const auto stop = it->second.stop;
      stop();
    }
  }
  shut_ = true;
  const auto open = sessions_;
  for (const auto& [key, session] : open) {
    if (session->facts().owned && session->state() == SessionState::kOpen) {
      options_.log.info("the client is closed; completing its open session",
                        {{"session", session->facts().id}, {"worker", session->facts().worker}});
      session->complete(Duration(0), nullptr);
    } else if (!session->facts().owned && session->state() == SessionState::kOpen) {
      session->abandon();
    }
  }
  if (sessions_.empty()) {
    closed();
  }
}

void Core::closed() {
  const auto done = std::exchange(closing_, nullptr);
  if (!done) {
    return;
  }
  grace_.cancel();
  const auto open = sessions_;
  for (const auto& [key, session] : open) {
    options_.log.warn("the client is closed before a worker took its session's end",
                      {{"session", session->facts().id}, {"worker", session->facts().worker}});
    session->abandon();
  }
  done();
}

}  // namespace berth::client
