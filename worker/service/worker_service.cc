#include "worker/service/worker_service.h"

#include <utility>

#include "berth/api/recreate_token.h"
#include "berth/auth/session_token.h"
#include "berth/base/duration.h"

namespace berth::worker {

WorkerService::WorkerService(Parts parts, WorkerIdentity identity)
    : parts_(std::move(parts)),
      identity_(std::move(identity)),
      runner_(parts_.loop, parts_.table, parts_.registry, parts_.metrics, parts_.log,
              [this](const api::SessionId& session, const api::ActivityId& activity) {
                notify_activity(session, activity);
                settle();
              }),
      stall_watch_(parts_.loop, [this](Duration d) {
        parts_.log.warn("the worker was held up; leases are extended",
                        {{"seconds", to_seconds(d)}});
        parts_.metrics.stalled(d);
        parts_.table.observe_stall(d);
      }) {}

WorkerService::~WorkerService() = default;

void WorkerService::start() {
  settle();
}

api::WorkerRef WorkerService::ref() const {
  return api::WorkerRef{identity_.name, identity_.uid, identity_.incarnation, address_};
}

// The secret follows from what the worker keeps anyway, so that a repeated create gets the same
// answer after a restart although no token is ever written down.
std::string WorkerService::recreate_token(const api::SessionId& id,
                                          const std::string& token_hash) const {
  api::RecreateToken token;
  token.worker = identity_.name;
  token.uid = identity_.uid;
  token.session = id;
  token.secret = auth::sha256_hex("berth recreate " + id.str() + " " + token_hash);
  return token.text();
}

Result<api::SessionId> WorkerService::claimed_hold(const api::CreateSession& ask) const {
  if (!ask.recreate_token) {
    return api::SessionId();
  }
  BERTH_ASSIGN(const api::RecreateToken token, api::RecreateToken::parse(*ask.recreate_token));
  if (token.uid != identity_.uid) {
    Error e = Error::make(ErrorCode::kConflict, "WrongWorker",
                          "the recreate token belongs to worker " + token.worker);
    e.field = "recreateToken";
    return fail(std::move(e));
  }
  const EndedSession* over = parts_.table.find_ended(token.session);
  const Session* open = parts_.table.find(token.session);
  const std::string* hash = over != nullptr   ? &over->token_hash
                            : open != nullptr ? &open->token_hash
                                              : nullptr;
  if (hash != nullptr &&
      !auth::secure_equal(*ask.recreate_token, recreate_token(token.session, *hash))) {
    Error e = Error::make(ErrorCode::kPermissionDenied, "TokenMismatch",
                          "the recreate token is not that session's");
    e.field = "recreateToken";
    return fail(std::move(e));
  }
  return parts_.table.find_hold(token.session) != nullptr ? token.session : api::SessionId();
}

Result<WorkerService::Created> WorkerService::create(api::CreateSession ask) {
  if (ask.id.empty()) {
    ask.id = api::SessionId(parts_.random.name(20));
  }
  std::string made_token;
  if (!ask.token_hash) {
    made_token = auth::make_session_token(parts_.random);
  }
  const std::string hash = ask.token_hash ? *ask.token_hash : auth::sha256_hex(made_token);
  const auto admission = [&]() -> Result<SessionTable::Admission> {
    BERTH_ASSIGN(const api::SessionId hold, claimed_hold(ask));
    BERTH_ASSIGN(const SessionTable::Admission admitted, parts_.table.admit(ask, hash, hold));
    if (admitted.created && !hold.empty()) {
      if (auto moved = parts_.directories.hand_over(hold, ask.id); !moved) {
        (void)parts_.table.end(ask.id, api::EndReason::kGivenBack);
        return fail(std::move(moved).error());
      }
    }
    return admitted;
  }();
  if (!admission) {
    parts_.metrics.rejected(admission.error().reason_or_code());
    settle();
    return fail(admission.error());
  }
  Created out{answer_for(*admission->session), admission->created};
  if (admission->created) {
    parts_.metrics.created();
    parts_.log.info("session opened", {{"session", ask.id.str()}, {"owner", ask.owner}});
    if (!made_token.empty()) {
      out.answer.token = std::move(made_token);
    }
  }
  settle();
  return out;
}

api::SessionCreated WorkerService::answer_for(const Session& session) const {
  const Clock& clock = parts_.loop.clock();
  const TimePoint now = clock.now();
  api::SessionCreated a;
  a.id = session.id;
  a.worker = ref();
  a.recreate_token = recreate_token(session.id, session.token_hash);
  a.heartbeat_timeout = session.heartbeat_timeout;
  a.lease_expires_at = clock.to_wall(session.lease_expires);
  a.lease_remaining = session.lease_expires - now;
  a.execution_deadline = clock.to_wall(session.execution_deadline);
  a.execution_remaining = session.execution_deadline - now;
  return a;
}

api::SessionInfo WorkerService::info_of(const Session& session) const {
  const Clock& clock = parts_.loop.clock();
  const TimePoint now = clock.now();
  api::SessionInfo i;
  i.id = session.id;
  i.state = session.state;
  if (session.state != api::SessionState::kOpen) {
    i.end_reason = session.end_reason;
  }
  i.owner = session.owner;
  i.host_name = identity_.name;
  i.worker = ref();
  i.resources = session.resources;
  i.resources.erase(api::kSlot);
  i.created_at = session.opened_wall;
  i.age = now - session.opened_at;
  i.lease_expires_at = clock.to_wall(session.lease_expires);
  i.lease_remaining = std::max(Duration{0}, session.lease_expires - now);
  i.execution_deadline = clock.to_wall(session.execution_deadline);
  i.execution_remaining = std::max(Duration{0}, session.execution_deadline - now);
  i.activities_running = static_cast<std::int64_t>(session.activities.running());
  i.disk_bytes = disk_usage_ ? disk_usage_(session.id) : 0;
  return i;
}

api::SessionInfo WorkerService::info_of(const EndedSession& over) const {
  api::SessionInfo i;
  i.id = over.id;
  i.state = api::SessionState::kEnded;
  i.end_reason = over.reason;
  i.owner = over.owner;
  i.host_name = identity_.name;
  i.worker = ref();
  i.resources = over.resources;
  i.resources.erase(api::kSlot);
  i.created_at = over.opened_wall;
  i.age = over.ended_at - over.opened_at;
  i.lease_expires_at = i.execution_deadline = parts_.loop.clock().to_wall(over.ended_at);
  return i;
}

Status WorkerService::check_token(const api::SessionId& id, std::string_view token) const {
  if (token.empty()) {
    return fail(Error::make(ErrorCode::kUnauthenticated, "",
                            "send the session's token as 'Authorization: Bearer TOKEN'"));
  }
  const Session* session = parts_.table.find(id);
  const EndedSession* over = session == nullptr ? parts_.table.find_ended(id) : nullptr;
  if (session == nullptr && over == nullptr) {
    return parts_.table.check_open(id);
  }
  if (!auth::token_matches(token, session != nullptr ? session->token_hash : over->token_hash)) {
    return fail(Error::make(ErrorCode::kPermissionDenied, "TokenMismatch",
                            "the token is not that of this session"));
  }
  return {};
}

void WorkerService::heard(const api::SessionId& id) {
  parts_.table.use(id);
  parts_.table.renew(id);
}

Result<api::SessionInfo> WorkerService::info(const api::SessionId& id) const {
  if (const Session* session = parts_.table.find(id)) {
    return info_of(*session);
  }
  if (const EndedSession* over = parts_.table.find_ended(id)) {
    return info_of(*over);
  }
  return fail(parts_.table.check_open(id).error());
}

std::vector<api::SessionInfo> WorkerService::list() const {
  std::vector<api::SessionInfo> out;
  for (const Session* session : parts_.table.list()) {
    out.push_back(info_of(*session));
  }
  return out;
}

Status WorkerService::complete(const api::SessionId& id, Duration keep_for) {
  if (parts_.table.find(id) == nullptr && parts_.table.find_ended(id) != nullptr) {
    return {};
  }
  auto done = parts_.table.end(id, api::EndReason::kCompleted, keep_for);
  settle();
  return done;
}

Status WorkerService::give_back(const api::SessionId& id, const std::string& attempt) {
  auto done = parts_.table.give_back(id, attempt);
  settle();
  return done;
}

Result<std::filesystem::path> WorkerService::directory(const api::SessionId& id) {
  BERTH_TRY(parts_.table.check_open(id));
  BERTH_TRY(parts_.directories.ensure(id));
  return parts_.directories.path(id);
}

Status WorkerService::cordon(std::int64_t epoch) {
  auto done = parts_.table.cordon(epoch);
  settle();
  return done;
}

Status WorkerService::uncordon(std::int64_t epoch) {
  auto done = parts_.table.uncordon(epoch);
  settle();
  return done;
}

Status WorkerService::drain(std::int64_t epoch, Duration after) {
  auto done = parts_.table.drain(epoch, parts_.loop.clock().now() + after);
  settle();
  return done;
}

Status WorkerService::retire() {
  auto done = parts_.table.retire();
  if (done) {
    parts_.log.info("retired");
    if (retired_) {
      retired_();
    }
  }
  settle();
  return done;
}

void WorkerService::shut_down(Duration after, std::function<void()> drained) {
  parts_.log.info("told to stop; open sessions go on until they end",
                  {{"sessions", parts_.table.list().size()}, {"seconds", to_seconds(after)}});
  drained_ = std::move(drained);
  parts_.table.shut_down(parts_.loop.clock().now() + after);
  if (shutdown_step_) {
    shutdown_step_();
  }
  settle();
}

}  // namespace berth::worker
