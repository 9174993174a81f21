#include "client/src/context.h"

#include "client/src/errors.h"

namespace berth::client {

Context Context::with_options(ActivityOptions options) const {
  Impl impl = *impl_;
  impl.options = std::move(options);
  return ContextAccess::make(std::move(impl));
}

Context Context::with_cancel() const {
  Impl impl = *impl_;
  impl.scope = CancelScope::child_of(impl.scope);
  return ContextAccess::make(std::move(impl));
}

void Context::cancel() const {
  impl_->scope->cancel();
}

bool Context::cancelled() const {
  return impl_->scope->cancelled();
}

void Context::on_done(std::function<void()> fn) const {
  impl_->scope->on_cancel(std::move(fn)).release();
}

std::optional<SessionInfo> session_info(const Context& context) {
  const auto& impl = ContextAccess::of(context);
  if (!impl.session) {
    return std::nullopt;
  }
  const Session& session = *impl.session->session();
  const SessionFacts& facts = session.facts();
  // A worker is a pod, and a pod's host name is its name.
  return SessionInfo{facts.id, facts.worker, facts.worker, session.state()};
}

std::optional<ClientError> session_failure(const Context& context) {
  const auto& impl = ContextAccess::of(context);
  return impl.session ? impl.session->session()->failure() : std::nullopt;
}

std::string recreate_token(const Context& context) {
  const auto& impl = ContextAccess::of(context);
  return impl.session ? impl.session->session()->facts().recreate_token : std::string();
}

std::optional<SessionHandle> session_handle(const Context& context) {
  const auto& impl = ContextAccess::of(context);
  if (!impl.session) {
    return std::nullopt;
  }
  const SessionFacts& facts = impl.session->session()->facts();
  return SessionHandle{facts.ns, facts.pool,  facts.worker,           facts.address,
                       facts.id, facts.token, facts.heartbeat_timeout};
}

}  // namespace berth::client
