#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <utility>

#include "berth/base/event_loop.h"
#include "cli/session/output_writer.h"
#include "cli/session/session_commands.h"

namespace berth::cli {
namespace {

constexpr int kBerthFailed = 125;
constexpr int kCommandNotFound = 127;

// A wrong flag or value is 2, as everywhere.
int report_failed(const Error& error) {
  const int status = report(error);
  return status == 1 ? kBerthFailed : status;
}

// One `berth session run`: the main thread waits for futures and signals, the client's thread hands
// output to the writer's.
class Run {
 public:
  explicit Run(const client::Client& client)
      : context_(client.context().with_cancel()),
        writer_(STDOUT_FILENO, STDERR_FILENO,
                [this](int reason) { loop_.post([this, reason] { output_failed(reason); }); }) {}

  int run(const client::SessionOptions& options, const std::vector<std::string>& argv) {
    // A reader that has gone shows as EPIPE.
    ::signal(SIGPIPE, SIG_IGN);
    const Cancel signals =
        loop_.on_signals({SIGINT, SIGTERM, SIGHUP}, [this](int signal) { interrupted(signal); });
    const client::Outcome<client::Context> session =
        wait(client::create_session(context_, options));
    if (!session) {
      return status(report_failed(refusal(session.error())));
    }
    client::ActivityCallbacks callbacks;
    callbacks.output = [this](auto chunks, auto next) {
      writer_.write(std::move(chunks), std::move(next));
    };
    const Json input = {{"argv", argv}, {"stream", true}};
    const auto result = wait(client::execute_activity(*session, "exec", input, callbacks));
    const int own = status_of(result);
    const auto completed = wait(client::complete_session(*session));
    if (!completed && result) {
      report(completed.error());
    }
    return status(own);
  }

 private:
  template <class T>
  client::Outcome<T> wait(const client::Future<T>& future) {
    future.then([this](const auto&) { loop_.stop(); });
    loop_.run();
    return future.get();
  }

  // The first one cancels, and the session is given back; a second one ends us at once.
  void interrupted(int signal) {
    if (std::exchange(signal_, signal) != 0) {
      std::_Exit(128 + signal);
    }
    writer_.abandon();
    context_.cancel();
  }

  // As a command of ours would die that writes to nobody.
  void output_failed(int reason) {
    if (reason != EPIPE) {
      report(Error::from_errno(reason, "writing the command's output"));
    }
    if (signal_ == 0) {
      output_status_ = reason == EPIPE ? 128 + SIGPIPE : kBerthFailed;
      context_.cancel();
    }
  }

  int status(int own) const {
    return signal_ != 0 ? 128 + signal_ : output_status_ != 0 ? output_status_ : own;
  }

  int status_of(const client::Outcome<client::ActivityResult>& result) const {
    if (result) {
      return static_cast<int>(result->exit_status.value_or(0));
    }
    if (signal_ == 0 && output_status_ == 0) {
      report(result.error());
    }
    const auto& activity = result.error().activity;
    return activity && activity->type == "CommandNotFound" ? kCommandNotFound : kBerthFailed;
  }

  AsioLoop loop_;
  client::Context context_;
  int signal_ = 0;
  int output_status_ = 0;
  OutputWriter writer_;
};

}  // namespace

int session_run(const Flags& flags, const SessionFlags& session_flags,
                const std::vector<std::string>& argv) {
  const Result<client::SessionOptions> options = session_options(session_flags);
  if (!options) {
    return report_failed(options.error());
  }
  const Result<Connection> connection = connect(flags);
  if (!connection) {
    return report_failed(connection.error());
  }
  const client::Client client(client_options(*connection, session_flags.pool));
  return Run(client).run(*options, argv);
}

}  // namespace berth::cli
