#pragma once

#include <memory>
#include <utility>

#include "berth/client/client.h"
#include "client/src/cancel_scope.h"
#include "client/src/core.h"
#include "client/src/door.h"

namespace berth::client {

/// What contexts know of their client. `core` is only for what went through `door`, and for the
/// members that it allows to any thread while the client lives.
struct ClientLink {
  std::shared_ptr<Door> door;
  Core* core = nullptr;
  Random* random = nullptr;
  ClientOptions options;
};

/// Held by every copy of a session's context and by the calls that run in it.
class SessionRef {
 public:
  SessionRef(std::shared_ptr<Door> door, std::shared_ptr<Session> session)
      : door_(std::move(door)), session_(std::move(session)) {}
  ~SessionRef() {
    door_->post([session = std::move(session_)] { session->dropped(); });
  }
  SessionRef(const SessionRef&) = delete;
  SessionRef& operator=(const SessionRef&) = delete;

  const std::shared_ptr<Session>& session() const { return session_; }

 private:
  const std::shared_ptr<Door> door_;
  std::shared_ptr<Session> session_;
};

struct Context::Impl {
  std::shared_ptr<ClientLink> link;
  ActivityOptions options;
  std::shared_ptr<CancelScope> scope;
  std::shared_ptr<SessionRef> session;  ///< Null without one.
};

/// The inside of public values.
class ContextAccess {
 public:
  using Impl = Context::Impl;
  static const Impl& of(const Context& context) { return *context.impl_; }
  static Context make(Impl impl) { return Context(std::make_shared<Impl>(std::move(impl))); }
};

}  // namespace berth::client
