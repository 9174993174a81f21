// Opening, attaching and completing sessions.
#include <utility>

#include "berth/api/ids.h"
#include "berth/api/recreate_token.h"
#include "client/src/context.h"
#include "client/src/errors.h"

namespace berth::client {
namespace {

constexpr Duration kDefaultHeartbeat = std::chrono::seconds(20);

std::optional<ClientError> check(const ContextAccess::Impl& impl, const std::string& pool,
                                 const SessionOptions& options) {
  if (impl.session && impl.session->session()->state() == SessionState::kOpen) {
    return client_error(ErrorKind::kSessionAlreadyOpen,
                        Error::make(ErrorCode::kAlreadyExists, "",
                                    "the context already holds the open session '" +
                                        impl.session->session()->facts().id +
                                        "'; complete it, or use the context it was made from"));
  }
  if (pool.empty()) {
    return invalid("pool", "is in neither the context's options nor the client's");
  }
  if (options.creation_timeout <= Duration(0)) {
    return invalid("creation_timeout", "must be more than 0");
  }
  if (!options.id.empty()) {
    if (const auto ok = api::check_id(options.id, "id"); !ok) {
      return client_error(ok.error());
    }
  }
  return std::nullopt;
}

// The context of a failed session is cancelled; a new session starts from where that one did.
std::shared_ptr<CancelScope> scope_for_new(const ContextAccess::Impl& impl) {
  if (impl.session && impl.session->session()->scope() == impl.scope) {
    return impl.scope->parent();
  }
  return impl.scope;
}

Future<Context> open(const Context& context, SessionOptions options,
                     std::optional<std::string> recreate) {
  const ContextAccess::Impl& impl = ContextAccess::of(context);
  const std::string& pool = impl.options.pool.empty() ? impl.link->options.pool : impl.options.pool;
  Promise<Context> promise;
  if (auto error = check(impl, pool, options)) {
    promise.set(fail(*std::move(error)));
    return promise.future();
  }
  const auto parent = scope_for_new(impl);
  if (parent->cancelled()) {
    promise.set(fail(cancelled("the context was cancelled")));
    return promise.future();
  }
  const auto scope = CancelScope::child_of(parent);
  promise.on_cancel([scope] { scope->cancel(); });
  const auto give = [promise, link = impl.link,
                     activities = impl.options](Outcome<std::shared_ptr<Session>> outcome) {
    if (!outcome) {
      promise.set(fail(std::move(outcome).error()));
      return;
    }
    promise.set(ContextAccess::make({link, activities, (*outcome)->scope(),
                                     std::make_shared<SessionRef>(link->door, *outcome)}));
  };
  const bool taken = impl.link->door->post(
      [core = impl.link->core, scope, give,
       opening = Core::Opening{pool, std::move(options), std::move(recreate), parent}]() mutable {
        core->open(std::move(opening), scope, give);
      });
  if (!taken) {
    promise.set(fail(cancelled("the client was closed")));
  }
  return promise.future();
}

}  // namespace

Future<Context> create_session(const Context& context, SessionOptions options) {
  return open(context, std::move(options), std::nullopt);
}

Future<Context> recreate_session(const Context& context, std::string token,
                                 SessionOptions options) {
  if (const auto parsed = api::RecreateToken::parse(token); !parsed) {
    Promise<Context> promise;
    promise.set(fail(client_error(parsed.error())));
    return promise.future();
  }
  return open(context, std::move(options), std::move(token));
}

Context attach_session(const Context& context, SessionHandle handle, bool keep_alive) {
  const ContextAccess::Impl& impl = ContextAccess::of(context);
  SessionFacts facts;
  facts.ns = std::move(handle.ns);
  facts.pool = std::move(handle.pool);
  facts.worker = std::move(handle.worker);
  facts.address = std::move(handle.address);
  facts.id = std::move(handle.id);
  facts.token = std::move(handle.token);
  facts.heartbeat_timeout =
      handle.heartbeat_timeout > Duration(0) ? handle.heartbeat_timeout : kDefaultHeartbeat;
  facts.owned = false;
  facts.keep_alive = keep_alive;
  const auto session = impl.link->core->new_session(std::move(facts), impl.scope);
  impl.link->door->post([core = impl.link->core, session] { core->adopt(session); });
  return ContextAccess::make({impl.link, impl.options, session->scope(),
                              std::make_shared<SessionRef>(impl.link->door, session)});
}

Future<std::monostate> complete_session(const Context& context, Duration keep_for) {
  const ContextAccess::Impl& impl = ContextAccess::of(context);
  Promise<std::monostate> promise;
  if (!impl.session) {
    promise.set(fail(client_error(ErrorKind::kNoSession,
                                  Error::invalid("", "the context holds no session to complete"))));
  } else if (keep_for < Duration(0)) {
    promise.set(fail(invalid("keep_for", "must not be negative")));
  } else if (!impl.link->door->post([session = impl.session->session(), keep_for, promise] {
               session->complete(keep_for,
                                 [promise](const auto& outcome) { promise.set(outcome); });
             })) {
    promise.set(fail(cancelled("the client was closed")));
  }
  return promise.future();
}

}  // namespace berth::client
