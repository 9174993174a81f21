#include "temporal/pool/client_pool.h"

#include <utility>

namespace berth::temporal {
namespace {

using client::ClientError;
using client::ErrorKind;

Error as_error(const ClientError& e) {
  Error error = e.error;
  error.reason = e.kind == ErrorKind::kSessionFailed && e.ended
                     ? std::string(api::to_string(*e.ended))
                     : std::string(error.reason_or_code());
  return error;
}

ActivityEnd to_end(const client::Outcome<client::ActivityResult>& outcome, std::string tail) {
  ActivityEnd end;
  if (outcome) {
    end.kind = ActivityEnd::Kind::kSucceeded;
    end.result = outcome->result;
    end.exit_status = outcome->exit_status;
    end.output = outcome->output;
    end.stderr_tail = outcome->stderr_tail;
    return end;
  }
  const ClientError& e = outcome.error();
  end.stderr_tail = std::move(tail);
  end.failure = e.activity ? *e.activity
                           : api::ActivityFailure{std::string(e.error.reason_or_code()),
                                                  e.error.message, e.error.retryable()};
  if (e.kind == ErrorKind::kCancelled) {
    end.kind = ActivityEnd::Kind::kCancelled;
  }
  return end;
}

class ClientSession final : public HeldSession {
 public:
  ClientSession(EventLoop& loop, client::Context context, std::string recreate_token)
      : loop_(loop),
        context_(std::move(context)),
        handle_(client::session_handle(context_).value_or(client::SessionHandle{})),
        recreate_token_(std::move(recreate_token)) {}

  const client::SessionHandle& handle() const override { return handle_; }
  const std::string& recreate_token() const override { return recreate_token_; }

  void on_lost(std::function<void(const Error&)> fn) override {
    lost_ = std::move(fn);
    context_.on_done([this, &loop = loop_, alive = std::weak_ptr(alive_)] {
      loop.post([this, alive] {
        if (const auto held = alive.lock()) {
          tell_lost();
        }
      });
    });
  }

  std::function<void()> execute(ActivityAsk ask, ProgressFn progress, EndFn done) override {
    struct Run {
      ProgressFn progress;
      EndFn done;
      std::string tail;
    };
    const auto run = std::make_shared<Run>(Run{std::move(progress), std::move(done), ""});
    client::ActivityOptions options;
    options.id = std::move(ask.id);
    options.start_to_close_timeout = ask.start_to_close;
    options.heartbeat_timeout = ask.heartbeat_timeout;
    client::ActivityCallbacks callbacks;
    callbacks.progress = on_loop<Json>([run](const Json& p) { run->progress(p); });
    callbacks.stderr_tail =
        on_loop<std::string>([run](const std::string& tail) { run->tail = tail; });
    const auto future =
        client::execute_activity(context_.with_options(std::move(options)), std::move(ask.type),
                                 std::move(ask.input), std::move(callbacks));
    future.then(on_loop<client::Outcome<client::ActivityResult>>(
        [this, run](const client::Outcome<client::ActivityResult>& outcome) {
          ActivityEnd end = to_end(outcome, run->tail);
          if (end.kind != ActivityEnd::Kind::kSucceeded && client::session_failure(context_)) {
            end.kind = ActivityEnd::Kind::kSessionLost;
          }
          run->done(std::move(end));
        }));
    return [future] { future.cancel(); };
  }

  void complete(Duration keep_for) override {
    lost_ = nullptr;
    // The context, and with it the lease, lives until the worker has been told.
    const auto context = std::make_shared<client::Context>(context_);
    client::complete_session(*context, keep_for).then([context](const auto&) {});
  }

 private:
  // Called on the client's thread: hands a copy to the loop, for as long as this lives.
  template <class T>
  std::function<void(const T&)> on_loop(std::function<void(const T&)> fn) {
    return [&loop = loop_, alive = std::weak_ptr(alive_), fn = std::move(fn)](const T& value) {
      loop.post([alive, fn, value] {
        if (const auto held = alive.lock()) {
          fn(value);
        }
      });
    };
  }

  void tell_lost() {
    if (const auto fn = std::exchange(lost_, nullptr)) {
      const auto why = client::session_failure(context_);
      fn(why ? as_error(*why) : Error::make(ErrorCode::kCancelled, "", "the session was given up"));
    }
  }

  EventLoop& loop_;
  client::Context context_;
  client::SessionHandle handle_;
  std::string recreate_token_;
  std::function<void(const Error&)> lost_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

class ClientPool final : public Pool {
 public:
  ClientPool(EventLoop& loop, client::Client& client, ClientPoolSettings settings)
      : loop_(loop), client_(client), settings_(std::move(settings)) {}

  Cancel open(Duration wait, OpenFn done) override {
    client::SessionOptions asked = options();
    asked.creation_timeout = wait;
    return start(client::create_session(client_.context(), std::move(asked)), std::move(done));
  }

  Cancel recreate(const std::string& token, OpenFn done) override {
    return start(client::recreate_session(client_.context(), token, options()), std::move(done));
  }

  std::unique_ptr<HeldSession> attach(client::SessionHandle handle,
                                      std::string recreate_token) override {
    return std::make_unique<ClientSession>(
        loop_, client::attach_session(client_.context(), std::move(handle), true),
        std::move(recreate_token));
  }

 private:
  client::SessionOptions options() const {
    client::SessionOptions o;
    o.execution_timeout = settings_.execution_timeout;
    o.heartbeat_timeout = settings_.heartbeat_timeout;
    o.resources = settings_.resources;
    return o;
  }

  Cancel start(const client::Future<client::Context>& opening, OpenFn done) {
    const auto fn = std::make_shared<OpenFn>(std::move(done));
    opening.then([&loop = loop_, fn](const client::Outcome<client::Context>& outcome) {
      loop.post([&loop, fn, outcome] {
        if (!*fn) {
          if (outcome) {
            client::complete_session(*outcome);
          }
          return;
        }
        const OpenFn tell = std::exchange(*fn, nullptr);
        if (!outcome) {
          tell(fail(as_error(outcome.error())));
          return;
        }
        tell(std::make_unique<ClientSession>(loop, *outcome, client::recreate_token(*outcome)));
      });
    });
    return Cancel([opening, fn] {
      if (std::exchange(*fn, nullptr)) {
        opening.cancel();
      }
    });
  }

  EventLoop& loop_;
  client::Client& client_;
  const ClientPoolSettings settings_;
};

}  // namespace

std::unique_ptr<Pool> make_client_pool(EventLoop& loop, client::Client& client,
                                       ClientPoolSettings settings) {
  return std::make_unique<ClientPool>(loop, client, std::move(settings));
}

}  // namespace berth::temporal
