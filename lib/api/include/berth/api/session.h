#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "berth/api/ids.h"
#include "berth/api/resources.h"
#include "berth/base/clock.h"
#include "berth/base/json.h"

/// The wire types of the session API, version 1. docs/openapi.yaml is the contract; each type here
/// has parse (strict: from a client; lenient about unknown fields: from a server, so that old
/// clients read new servers) and to_json. The two that a busy worker answers with are also written
/// as text at once: json_text.
namespace berth::api {

/// What ended a session. Wire text is the name without 'k'.
enum class EndReason {
  kCompleted,         ///< By its owner.
  kLeaseExpired,      ///< The owner stopped renewing.
  kExecutionTimeout,  ///< Its deadline passed.
  kIdleTimeout,       ///< No activity ran for longer than the pool allows.
  kDrainDeadline,     ///< A drain with policy End reached its deadline.
  kWorkerShutdown,    ///< The worker was told to stop and its grace ran out.
  kGivenBack,         ///< The gateway's caller had gone before it learnt of the session.
  kHostRestarted,     ///< The host rebooted under the worker's journal.
};
std::string_view to_string(EndReason reason);
std::optional<EndReason> parse_end_reason(std::string_view text);

enum class SessionState { kOpen, kEnding, kEnded };
std::string_view to_string(SessionState state);
std::optional<SessionState> parse_session_state(std::string_view text);

/// POST /v1/sessions on a worker, and, with creation_timeout, POST .../pools/{pool}/sessions on a
/// gateway.
struct CreateSession {
  SessionId id;                           ///< Chosen by the client; empty: the gateway makes one.
  std::optional<std::string> token_hash;  ///< SHA-256 hex of a token that the client made itself.
  std::optional<Duration>
      creation_timeout;  ///< Gateway only: remaining time the caller wants to wait.
  std::optional<Duration> execution_timeout;  ///< Absent: the pool's default.
  std::optional<Duration> heartbeat_timeout;  ///< Absent: the pool's default.
  Resources resources;                        ///< Without the slot itself.
  std::string owner;    ///< Set by the gateway from the caller's identity; a client's is ignored.
  std::string attempt;  ///< Gateway to worker: nonce of this attempt, for give-back.
  std::optional<std::string>
      recreate_token;  ///< A new session on the worker that this token came from.

  static Result<CreateSession> parse(const Json& body);
};
Json to_json(const CreateSession& c);

struct WorkerRef {
  std::string name;  ///< Pod name.
  WorkerUid uid;
  Incarnation incarnation;
  std::string address;  ///< "host:port" reachable inside the cluster.
};

/// The 201/200 answer to a create.
struct SessionCreated {
  SessionId id;
  WorkerRef worker;
  std::optional<std::string>
      token;  ///< Only when the worker made it, and only in the first answer.
  std::string recreate_token;
  Duration heartbeat_timeout{};
  WallTime lease_expires_at{};
  Duration lease_remaining{};
  WallTime execution_deadline{};
  Duration execution_remaining{};

  static Result<SessionCreated> parse(const Json& body);
};
std::string json_text(const SessionCreated& s);
Json to_json(const SessionCreated& s);

/// GET /v1/sessions/{id}, a list's element, and the answer to heartbeat and DELETE.
struct SessionInfo {
  SessionId id;
  SessionState state = SessionState::kOpen;
  std::optional<EndReason> end_reason;  ///< When ending or ended.
  std::string owner;
  std::string host_name;
  WorkerRef worker;
  Resources resources;
  WallTime created_at{};
  Duration age{};
  WallTime lease_expires_at{};
  Duration lease_remaining{};
  WallTime execution_deadline{};
  Duration execution_remaining{};
  std::int64_t activities_running = 0;
  std::int64_t disk_bytes = 0;

  static Result<SessionInfo> parse(const Json& body);
};
std::string json_text(const SessionInfo& s);
Json to_json(const SessionInfo& s);

enum class WorkerState { kActive, kCordoned, kDraining, kRetired };
std::string_view to_string(WorkerState state);
std::optional<WorkerState> parse_worker_state(std::string_view text);

/// The most owners that a worker's slots tell; the ones with the most sessions.
inline constexpr std::size_t kMaxOwnersTold = 1'000;

/// GET /v1/slots: what a worker says of itself. "sessions" counts open and ending ones.
struct Slots {
  /// Sessions by auth::owner_key(), held slots included; empty unless the pool limits owners.
  std::map<std::string, std::int64_t> owners;
  Incarnation incarnation;
  std::int64_t version = 0;
  WorkerState state = WorkerState::kActive;
  Resources capacity;
  Resources used;
  std::int64_t sessions = 0;
  std::int64_t activities = 0;
  std::int64_t epoch = 0;  ///< The highest operator epoch seen.
  /// Ids of the control keys that it accepts, at most 16, so that a key is not used before all know
  /// it. Absent: an older worker, which does not say.
  std::optional<std::vector<std::string>> keys;

  bool admits() const { return state == WorkerState::kActive; }
  static Result<Slots> parse(const Json& body);
};
Json to_json(const Slots& s);

/// GET /v1/demand on a gateway: sessions that wait for a slot, so that the operator can count ids
/// once over replicas.
struct Waiting {
  SessionId id;
  Resources resources;
  Duration age{};
};
struct Demand {
  std::string replica;
  std::int64_t version = 0;
  std::string ns;
  std::string pool;
  std::vector<Waiting> waiting;  ///< At most 10,000; `waiting_total` counts all.
  std::int64_t waiting_total = 0;

  static Result<Demand> parse(const Json& body);
};
Json to_json(const Demand& d);

/// GET /v1/keys on a gateway: which control keys it accepts and signs with, so that a rotation
/// knows when everybody has followed.
struct GatewayKeys {
  std::string replica;
  std::int64_t version = 0;
  std::vector<std::string> keys;  ///< Ids, at most 16.
  std::string signing;            ///< Id of the key that it signs with.

  static Result<GatewayKeys> parse(const Json& body);
};
Json to_json(const GatewayKeys& k);

/// The most key ids that a worker or gateway tells.
inline constexpr std::size_t kMaxKeysTold = 16;

}  // namespace berth::api
