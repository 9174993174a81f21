#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "berth/client/client.h"
#include "berth/http/transport.h"
#include "client/src/activity_call.h"
#include "client/src/cancel_scope.h"
#include "client/src/create_call.h"
#include "client/src/door.h"
#include "client/src/file_transfer.h"
#include "client/src/gateways.h"
#include "client/src/get_call.h"
#include "client/src/session.h"

namespace berth::client {

/// All that a Client does, on its loop: the sessions that are open and the calls under way, until
/// each has answered. Loop thread only, but for session_parts() and new_session().
///
/// Each operation takes the scope that cancels it and a callback that runs exactly once, at the
/// latest in close().
class Core {
 public:
  struct Parts {
    EventLoop& loop;
    http::Transport& transport;
    Random& random;
    RunBlocking run_blocking;
    std::shared_ptr<Door> door;
    Status roots{};  ///< Whether ClientOptions::ca_file could be read.
  };
  template <class T>
  using DoneFn = std::function<void(Outcome<T>)>;
  using ScopePtr = std::shared_ptr<CancelScope>;
  using SessionPtr = std::shared_ptr<Session>;

  /// How long close() waits for workers to hear that their sessions are complete.
  static constexpr Duration kCloseGrace = std::chrono::seconds(5);

  Core(Parts parts, ClientOptions options);
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  struct Opening {
    std::string pool;
    SessionOptions options;
    std::optional<std::string> recreate_token;
    ScopePtr parent;  ///< Of the session's own scope.
  };
  void open(Opening opening, const ScopePtr& scope, DoneFn<SessionPtr> done);
  /// Any thread. Nothing happens to it before adopt().
  SessionPtr new_session(SessionFacts facts, const ScopePtr& parent);
  void adopt(const SessionPtr& session, TimePoint leased_from, bool renew_now);
  void adopt(const SessionPtr& session) { adopt(session, parts_.loop.clock().now(), true); }

  void execute(const SessionPtr& session, ActivityCall::Ask ask, const ScopePtr& scope,
               DoneFn<ActivityResult> done);
  void upload(const SessionPtr& session, std::string suffix, std::shared_ptr<const LocalFile> file,
              const ScopePtr& scope, DoneFn<std::monostate> done);
  void download(const SessionPtr& session, std::string suffix, std::shared_ptr<PartFile> file,
                const ScopePtr& scope, DoneFn<std::monostate> done);
  void get(const std::string& path, const ScopePtr& scope, DoneFn<Json> done);

  std::size_t sessions() const { return sessions_.size(); }
  std::size_t calls() const { return calls_.size(); }

  /// Ends everything: creations and transfers now, sessions by completing them. `done` runs when
  /// the workers have been told, or the grace is over.
  void close(std::function<void()> done);

 private:
  struct Running {
    std::function<void()> stop;
    Cancel on_cancel;
  };
  template <class CallType>
  std::uint64_t run(const std::shared_ptr<CallType>& call, const ScopePtr& scope);
  template <class T>
  DoneFn<T> once(std::uint64_t number, DoneFn<T> done);
  template <class T>
  bool refuses(const SessionPtr& session, const DoneFn<T>& done) const;
  void opened(const Opening& opening, const ScopePtr& scope, CreateCall::Opened opened,
              const DoneFn<SessionPtr>& done);
  std::function<std::string()> token() const;
  void left(const Session* session);
  void closed();

  const Parts parts_;
  const ClientOptions options_;
  Gateways gateways_;
  std::optional<Error> bad_gateway_;
  std::map<const Session*, SessionPtr> sessions_;
  std::map<std::uint64_t, Running> calls_;
  std::uint64_t last_call_ = 0;
  std::function<void()> closing_;  ///< Set while close() waits.
  bool shut_ = false;
  Cancel grace_;
};

/// Why no call can be made in `session` any more.
std::optional<ClientError> not_usable(const Session& session);

}  // namespace berth::client
