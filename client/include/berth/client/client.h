#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "berth/api/activity.h"
#include "berth/api/session.h"
#include "berth/base/json.h"
#include "berth/client/error.h"
#include "berth/client/future.h"
#include "berth/observe/log.h"

/// Sessions on Berth workers, for C++ callers. The words and their meaning are those of worker
/// sessions in Temporal's Go SDK: a session is a reservation of one slot on one worker; its
/// activities all run there.
///
///     Client client({.gateway = "http://127.0.0.1:7070", .token = token, .pool = "files"});
///     auto session = create_session(client.context(), {.execution_timeout = 10min}).get();
///     if (!session) {
///       std::cerr << session.error().text();
///       return 1;
///     }
///     auto fetched = execute_activity(*session, "fetch", {{"path", "/data/a"}}).get();
///     auto stored = execute_activity(*session, "store", {{"to", "/out/a"}}).get();
///     complete_session(*session).get();
namespace berth::client {

class Client;

struct ClientOptions {
  /// Origin of the gateway, "http://host:port" or "https://...". Several, comma-separated: tried in
  /// turn. A bad one shows as kInvalidArgument "gateway" from the first call.
  std::string gateway{};
  /// CA bundle (PEM) that gateways and workers of https are checked with, followed as it changes.
  /// Empty: the system's. A worker must have a certificate for "workers.NAMESPACE.berth".
  std::string ca_file{};
  /// The name that a gateway's certificate must be for. Empty: the host in `gateway`.
  std::string gateway_server_name{};
  std::string token{};  ///< Bearer token for the gateway.
  /// Instead of `token`, for one that changes: asked before each call, on the client's thread, so
  /// it must not block. It must outlive the client.
  std::function<std::string()> token_source{};
  std::string ns = "default";  ///< Namespace of the pools.
  std::string pool{};          ///< Default pool of contexts that name none.
  /// Where a session's activities, files and renewals go: true: straight to its worker; false:
  /// through the gateway, as from outside the cluster. Empty: straight if the worker answers at its
  /// address within a second of the session's opening, else through the gateway, for as long as the
  /// session lives.
  std::optional<bool> direct{};
  /// Time a single call may take before it is repeated, where repeating is safe.
  std::chrono::seconds call_timeout{10};
  Log log{};
};

/// What applies to the activities started from a context.
struct ActivityOptions {
  std::string pool{};  ///< Empty: the client's default.
  std::optional<Duration> start_to_close_timeout{};
  std::optional<Duration> heartbeat_timeout{};
  /// Tries in all, for failures that the activity calls retryable and for refusals that may pass
  /// (too many activities at once). The delay starts at 1 s, doubles, and stops at 30 s. A worker
  /// that cannot be reached is no failure: the call is repeated with the same activity id until it
  /// answers or the session is lost.
  int max_attempts = 1;
  /// Chosen by the caller, [a-z0-9-], at most 63; empty: random. The same id never runs twice in a
  /// session: asked for again, also by another process that attached to it, it joins the one that
  /// runs or has run. Only with max_attempts 1.
  std::string id{};
};

struct SessionOptions {
  Duration creation_timeout = std::chrono::minutes(1);  ///< Longest wait for a slot. Required > 0.
  Duration execution_timeout = std::chrono::hours(1);   ///< Longest life of the session.
  Duration heartbeat_timeout = std::chrono::seconds(20);
  api::Resources resources{};  ///< Typed resources besides the slot, {"gpu", 1}.
  std::string id{};            ///< Chosen by the caller for its own records; empty: random.
};

enum class SessionState { kOpen, kFailed, kClosed };

struct SessionInfo {
  std::string id{};
  std::string host_name{};  ///< The worker pod's.
  std::string worker{};     ///< Pod name.
  SessionState state = SessionState::kOpen;
};

/// An immutable value that is passed on: options, cancellation, and, once create_session gave one,
/// the session. Cheap to copy, thread-safe. When the last copy of a context with an open session
/// goes (running calls count as copies), the session is completed in the background and the log
/// says so: call complete_session instead. A context that outlives its Client is harmless and
/// useless: its calls answer kCancelled.
class Context {
 public:
  /// The same with other activity options.
  Context with_options(ActivityOptions options) const;
  /// A child that `cancel()` on it cancels, along with everything started from it; the parent goes
  /// on. A session that was created from the child is completed.
  Context with_cancel() const;
  void cancel() const;
  bool cancelled() const;
  /// Calls `fn` once when this context is cancelled or its session fails; at once if that has
  /// happened. Not when the session is completed. `fn` must not block or throw, and must not hold
  /// this context, which then could never go.
  void on_done(std::function<void()> fn) const;

 private:
  friend class Client;
  friend class ContextAccess;
  struct Impl;
  explicit Context(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<Impl> impl_;
};

/// Owns one thread and the connections. Thread-safe. The destructor completes what is open (at most
/// 5 s) and says so in the log; calls under way end with kCancelled. Not to be destroyed on its own
/// thread (inside a callback).
class Client {
 public:
  explicit Client(ClientOptions options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// A context without a session.
  Context context(ActivityOptions options = {}) const;

  /// Sessions of a pool as the gateway lists them.
  Future<std::vector<api::SessionInfo>> list_sessions(const std::string& pool) const;
  /// GET of a gateway path as JSON: "/v1/pools".
  Future<Json> get(const std::string& path) const;

 private:
  friend class ContextAccess;
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

/// Opens a session on a worker with a free slot, waiting in line until creation_timeout. Gives a
/// context that holds it. kSessionAlreadyOpen if `context` holds an open one. Repeats itself safely
/// over lost answers and gateway restarts: the id and the token are made here, and only the token's
/// hash travels. The lease is then renewed in the background, about three times per heartbeat
/// timeout, until the session is completed.
Future<Context> create_session(const Context& context, SessionOptions options);

/// Runs an activity on the session's worker. `input` is any JSON. A failed activity leaves the
/// session open. Never runs the same call twice: repeats after a lost answer carry the same
/// activity id. After the session failed: kSessionFailed at once, without trying. Cancelling the
/// future or the context cancels the activity; its real end is awaited.
struct ActivityResult {
  Json result{};
  std::optional<std::int64_t> exit_status{};  ///< exec and command.
  std::string output{};                       ///< exec: raw stdout.
  std::string stderr_tail{};
};
/// A piece of what an exec prints, in order, nothing left out. On the client's thread: hand it on
/// and return. `next` asks for what follows and may be called from any thread; until then the
/// command at the worker waits once its buffers are full (256 KiB there, and its pipes).
using OutputFn =
    std::function<void(std::vector<api::ActivityOutput::Chunk> chunks, std::function<void()> next)>;

struct ActivityCallbacks {
  std::function<void(const Json&)> progress{};                 ///< On the client's thread.
  std::function<void(const std::string& tail)> stderr_tail{};  ///< The newest tail.
  /// For "exec" with {"stream": true} in its input. The result comes when all of the output was
  /// taken, and holds none of it. If some was lost (the worker restarted, another reader took it)
  /// the activity counts as failed.
  OutputFn output{};
};
Future<ActivityResult> execute_activity(const Context& session, std::string type, Json input,
                                        ActivityCallbacks callbacks = {});

/// Ends the session: cancels its activities and frees the slot once they have stopped. Safe on a
/// failed or completed session. `keep_for` holds the slot that long for recreate_session. Ready
/// when the worker has taken it on; activities that still run tell their own end. kUnavailable if
/// the worker could not be told within a heartbeat timeout: the slot then frees itself.
Future<std::monostate> complete_session(const Context& session, Duration keep_for = Duration(0));

/// What is known here and now, without asking anybody. Empty when the context has no session.
std::optional<SessionInfo> session_info(const Context& context);

/// Why the context's session failed. Empty while it has not, and without one.
std::optional<ClientError> session_failure(const Context& context);

/// A token with which a later run can open a new session on the same worker. Empty without a
/// session.
std::string recreate_token(const Context& session);
/// As create_session, on the worker of the token and nowhere else. kWorkerGone at once if that
/// worker is gone, cordoned or retired.
Future<Context> recreate_session(const Context& context, std::string token, SessionOptions options);

/// Files of the session's directory. `path` is relative. Streams; local files are replaced only
/// when complete.
Future<std::monostate> put_file(const Context& session, const std::string& path,
                                const std::filesystem::path& local);
Future<std::monostate> get_file(const Context& session, const std::string& path,
                                const std::filesystem::path& local);

/// What another process needs to use this session: "namespace/pool/worker/id" and the secret token.
/// Whoever has it can do all that the owner can. attach_session gives a context that renews the
/// lease only if asked to, and that completes nothing when it goes: the session has an owner
/// elsewhere. Without `keep_alive` a worker that does not answer for the heartbeat timeout is
/// kUnavailable, not a lost session.
struct SessionHandle {
  std::string ns{};
  std::string pool{};
  std::string worker{};
  std::string address{};
  std::string id{};
  std::string token{};
  Duration heartbeat_timeout{};
};
std::optional<SessionHandle> session_handle(const Context& session);
Context attach_session(const Context& context, SessionHandle handle, bool keep_alive);

}  // namespace berth::client
