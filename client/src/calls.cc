// What runs in a session: activities and files.
#include <utility>

#include "berth/api/ids.h"
#include "client/src/context.h"
#include "client/src/errors.h"

namespace berth::client {
namespace {

std::optional<ClientError> unusable(const ContextAccess::Impl& impl) {
  if (!impl.session) {
    return client_error(ErrorKind::kNoSession,
                        Error::invalid("", "the context holds no session; see create_session"));
  }
  const Session& session = *impl.session->session();
  if (session.state() != SessionState::kFailed && impl.scope->cancelled()) {
    return cancelled("the context was cancelled");
  }
  return not_usable(session);
}

// Posts `begin(core, session, scope, done)`, where `done` answers the future and keeps the session
// open until it does.
template <class T, class Begin>
Future<T> in_session(const Context& context, Begin begin) {
  const ContextAccess::Impl& impl = ContextAccess::of(context);
  Promise<T> promise;
  if (auto error = unusable(impl)) {
    promise.set(fail(*std::move(error)));
    return promise.future();
  }
  const auto scope = CancelScope::child_of(impl.scope);
  promise.on_cancel([scope] { scope->cancel(); });
  const bool taken = impl.link->door->post([core = impl.link->core, ref = impl.session, scope,
                                            promise, begin = std::move(begin)]() mutable {
    begin(*core, ref->session(), scope,
          [promise, ref](Outcome<T> outcome) { promise.set(std::move(outcome)); });
  });
  if (!taken) {
    promise.set(fail(cancelled("the client was closed")));
  }
  return promise.future();
}

template <class T>
Future<T> refused(Error error) {
  Promise<T> promise;
  ErrorKind kind = kind_of(error);
  if (error.field == "local") {
    kind = ErrorKind::kInvalidArgument;
  }
  promise.set(fail(client_error(kind, std::move(error))));
  return promise.future();
}

}  // namespace

Future<ActivityResult> execute_activity(const Context& context, std::string type, Json input,
                                        ActivityCallbacks callbacks) {
  for (const auto& [text, field] : {std::pair(Json(type), "type"), std::pair(input, "input")}) {
    if (const Status sendable = check_text(text, field); !sendable) {
      return refused<ActivityResult>(sendable.error());
    }
  }
  const ActivityOptions& options = ContextAccess::of(context).options;
  if (!options.id.empty()) {
    if (const Status good = api::check_id(options.id, "id"); !good) {
      return refused<ActivityResult>(good.error());
    }
    if (options.max_attempts > 1) {
      return refused<ActivityResult>(
          Error::invalid("max_attempts", "must be 1 for an activity with an id of your own"));
    }
  }
  ActivityCall::Ask ask{std::move(type), std::move(input), options, std::move(callbacks)};
  return in_session<ActivityResult>(
      context, [ask = std::move(ask)](Core& core, const auto& session, const auto& scope,
                                      auto done) mutable {
        core.execute(session, std::move(ask), scope, std::move(done));
      });
}

Future<std::monostate> put_file(const Context& context, const std::string& path,
                                const std::filesystem::path& local) {
  auto suffix = file_suffix(path);
  if (!suffix) {
    return refused<std::monostate>(suffix.error());
  }
  auto file = LocalFile::open(local);
  if (!file) {
    return refused<std::monostate>(file.error());
  }
  return in_session<std::monostate>(
      context, [suffix = *suffix, file = *file](Core& core, const auto& session, const auto& scope,
                                                auto done) {
        core.upload(session, suffix, file, scope, std::move(done));
      });
}

Future<std::monostate> get_file(const Context& context, const std::string& path,
                                const std::filesystem::path& local) {
  auto suffix = file_suffix(path);
  if (!suffix) {
    return refused<std::monostate>(suffix.error());
  }
  auto file = PartFile::create(local, *ContextAccess::of(context).link->random);
  if (!file) {
    return refused<std::monostate>(file.error());
  }
  return in_session<std::monostate>(
      context, [suffix = *suffix, file = *file](Core& core, const auto& session, const auto& scope,
                                                auto done) {
        core.download(session, suffix, file, scope, std::move(done));
      });
}

}  // namespace berth::client
