#include "berth/client/client.h"

#include <pthread.h>

#include <cassert>
#include <csignal>
#include <thread>
#include <utility>

#include "berth/auth/tls_files.h"
#include "berth/base/thread_pool.h"
#include "client/src/context.h"
#include "client/src/errors.h"
#include "client/src/wire.h"

namespace berth::client {
namespace {

// For local files; what waits is bounded too.
constexpr std::size_t kFileThreads = 4;
constexpr std::size_t kFileJobs = 1024;

// The application's signals are for the application's threads. New threads inherit the mask.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &old_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t old_{};
};

http::BeastTransportSettings transport_settings(const ClientOptions& options,
                                                const auth::TrustedRootsFile& roots) {
  http::BeastTransportSettings settings;
  settings.user_agent = "berth-client";
  settings.max_idle_per_origin = 64;
  settings.server_name = options.gateway_server_name;
  if (!options.ca_file.empty()) {
    settings.roots = roots.roots();
  }
  return settings;
}

}  // namespace

// Destroyed in reverse: the core lets go of its calls, the transport of its connections, the pool
// of the jobs that post to the loop, and the loop last.
struct Client::Impl {
  explicit Impl(ClientOptions options)
      : pool(kFileThreads, kFileJobs),
        roots(loop, options.ca_file, options.log),
        transport(http::make_beast_transport(loop, transport_settings(options, roots))),
        door(std::make_shared<Door>(loop)),
        core(Core::Parts{loop, *transport, random,
                         [this](std::function<void()> job) { return pool.try_run(std::move(job)); },
                         door, options.ca_file.empty() ? Status() : roots.start()},
             options),
        link(std::make_shared<ClientLink>(ClientLink{door, &core, &random, std::move(options)})) {}

  AsioLoop loop;
  SystemRandom random;
  ThreadPool pool;
  auth::TrustedRootsFile roots;
  std::unique_ptr<http::Transport> transport;
  std::shared_ptr<Door> door;
  Core core;
  std::shared_ptr<ClientLink> link;
  std::thread thread;
};

Client::Client(ClientOptions options) : impl_(std::make_shared<Impl>(std::move(options))) {
  const SignalsBlocked blocked;
  impl_->thread = std::thread([&loop = impl_->loop] { loop.run(); });
}

Client::~Client() {
  assert(std::this_thread::get_id() != impl_->thread.get_id());
  impl_->door->shut([impl = impl_.get()] { impl->core.close([impl] { impl->loop.stop(); }); });
  impl_->thread.join();
}

Context Client::context(ActivityOptions options) const {
  return ContextAccess::make({impl_->link, std::move(options), CancelScope::root(), nullptr});
}

Future<Json> Client::get(const std::string& path) const {
  Promise<Json> promise;
  if (!path.starts_with('/')) {
    promise.set(fail(invalid("path", "must begin with /")));
    return promise.future();
  }
  const auto scope = CancelScope::root();
  promise.on_cancel([scope] { scope->cancel(); });
  const auto done = [promise](Outcome<Json> outcome) { promise.set(std::move(outcome)); };
  if (!impl_->door->post(
          [core = &impl_->core, path, scope, done] { core->get(path, scope, done); })) {
    promise.set(fail(cancelled("the client was closed")));
  }
  return promise.future();
}

Future<std::vector<api::SessionInfo>> Client::list_sessions(const std::string& pool) const {
  using Sessions = std::vector<api::SessionInfo>;
  Promise<Sessions> promise;
  const ClientOptions& options = impl_->link->options;
  const std::string& name = pool.empty() ? options.pool : pool;
  if (name.empty()) {
    promise.set(fail(invalid("pool", "is neither given nor the client's default")));
    return promise.future();
  }
  const Future<Json> listed = get(pool_path(options.ns, name) + "/sessions");
  promise.on_cancel([listed] { listed.cancel(); });
  listed.then([promise, log = options.log](const Outcome<Json>& answer) {
    if (!answer) {
      promise.set(fail(answer.error()));
      return;
    }
    Sessions sessions;
    if (const Json* list = find(*answer, "sessions"); list != nullptr && list->is_array()) {
      for (const Json& one : *list) {
        if (auto info = api::SessionInfo::parse(one)) {
          sessions.push_back(*std::move(info));
        } else {
          log.warn("a listed session cannot be read", {{"error", info.error()}});
        }
      }
    }
    if (const Json* list = find(*answer, "unreadable"); list != nullptr && !list->empty()) {
      log.warn("the list lacks the sessions of workers that did not answer",
               {{"workers", list->size()}});
    }
    promise.set(std::move(sessions));
  });
  return promise.future();
}

}  // namespace berth::client
