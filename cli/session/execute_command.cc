#include <csignal>
#include <cstdlib>
#include <iostream>
#include <utility>

#include "berth/base/event_loop.h"
#include "berth/base/json.h"
#include "cli/session/handles.h"
#include "cli/session/session_commands.h"

namespace berth::cli {
namespace {

// The first signal cancels the activity and its end is awaited; a second one ends us.
client::Outcome<client::ActivityResult> execute(const client::Context& session,
                                                const std::string& type, const Json& input,
                                                int& stopped_by) {
  AsioLoop loop;
  const client::Context context = session.with_cancel();
  const Cancel signals = loop.on_signals({SIGINT, SIGTERM, SIGHUP}, [&](int signal) {
    if (std::exchange(stopped_by, signal) != 0) {
      std::_Exit(128 + signal);
    }
    context.cancel();
  });
  const auto result = client::execute_activity(context, type, input);
  result.then([&](const auto&) { loop.stop(); });
  loop.run();
  return result.get();
}

}  // namespace

int session_execute(const Flags& flags, const std::string& id, const std::string& type,
                    const std::string& input) {
  const auto parsed = parse_json(input).map_error([](Error e) {
    e.field = "INPUT";
    return e;
  });
  const Result<SavedSession> saved = parsed ? load_session(id) : fail(parsed.error());
  if (!saved) {
    return report(saved.error());
  }
  const Result<Connection> connection = connect(flags);
  if (!connection) {
    return report(connection.error());
  }
  client::Client client(client_options(*connection, saved->handle.pool));
  const client::Context session = client::attach_session(client.context(), saved->handle, true);
  int stopped_by = 0;
  const auto done = execute(session, type, *parsed, stopped_by);
  if (stopped_by != 0) {
    return 128 + stopped_by;
  }
  if (!done) {
    return report(done.error());
  }
  std::cout << done->output;
  std::cerr << done->stderr_tail;
  if (!done->result.is_null()) {
    std::cout << dump_json(done->result) << '\n';
  }
  return static_cast<int>(done->exit_status.value_or(0));
}

}  // namespace berth::cli
