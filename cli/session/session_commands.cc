#include "cli/session/session_commands.h"

#include <cstdlib>
#include <iostream>
#include <memory>

#include "berth/base/duration.h"
#include "berth/base/event_loop.h"
#include "cli/session/handles.h"
#include "cli/session/keeper.h"

namespace berth::cli {
namespace {

Result<Duration> duration_flag(const char* flag, const std::string& text) {
  return parse_duration(text).map_error([&](Error e) {
    e.field = flag;
    return e;
  });
}

// By the client's name and by the wire's.
constexpr std::pair<std::string_view, std::string_view> kFlags[] = {
    {"creation_timeout", "--creation-timeout"},
    {"creationTimeout", "--creation-timeout"},
    {"executionTimeout", "--execution-timeout"},
    {"heartbeatTimeout", "--heartbeat-timeout"},
    {"id", "--id"},
    {"pool", "--pool"}};
constexpr std::string_view kResources = "resources.";

Result<std::string> save(const client::Context& session) {
  const auto handle = client::session_handle(session);
  if (!handle) {
    return fail(Error::internal("the session has ended already"));
  }
  BERTH_TRY(save_session({*handle, client::recreate_token(session)}));
  return handle->id;
}

// Opens (by `open`), saves and prints a session. With a process to follow, a child does it and
// stays.
int open_and_leave(
    const Flags& flags, const std::string& pool, int keep_pid,
    const std::function<client::Future<client::Context>(const client::Context&)>& open) {
  std::optional<Connection> connection;
  std::unique_ptr<client::Client> client;
  std::optional<client::Context> session;
  // In the child, if there is one: a connection may have threads.
  const auto opened = [&]() -> Result<std::string> {
    BERTH_ASSIGN(connection, connect(flags));
    client = std::make_unique<client::Client>(client_options(*connection, pool));
    client::Outcome<client::Context> outcome = open(client->context()).get();
    if (!outcome) {
      return fail(refusal(outcome.error()));
    }
    session = std::move(*outcome);
    return save(*session);
  };
  if (keep_pid > 0) {
    const auto opened_kept = [&]() -> Result<std::string> {
      Result<std::string> id = opened();
      if (id) {
        // Nothing is left to keep once the session has failed.
        session->on_done([saved = *id] {
          forget_session(saved);
          std::_Exit(1);
        });
      }
      return id;
    };
    const auto close = [&] {
      const std::string id = client::session_info(*session)->id;
      (void)client::complete_session(*session).wait_for(std::chrono::seconds(10));
      forget_session(id);
    };
    const Result<std::string> id = keep_while_running(keep_pid, opened_kept, close);
    if (!id) {
      return report(id.error());
    }
    std::cout << *id << '\n';
    return 0;
  }
  const Result<std::string> id = opened();
  if (!id) {
    return report(id.error());
  }
  std::cout << *id << '\n' << std::flush;
  connection->close();
  // The session is meant to outlive this process; a destructor would complete it.
  std::_Exit(0);
}

}  // namespace

Result<client::SessionOptions> session_options(const SessionFlags& flags) {
  client::SessionOptions o;
  o.id = flags.id;
  BERTH_ASSIGN(o.creation_timeout, duration_flag("--creation-timeout", flags.creation_timeout));
  BERTH_ASSIGN(o.execution_timeout, duration_flag("--execution-timeout", flags.execution_timeout));
  BERTH_ASSIGN(o.heartbeat_timeout, duration_flag("--heartbeat-timeout", flags.heartbeat_timeout));
  for (const std::string& r : flags.resources) {
    const std::size_t equals = r.find('=');
    char* end = nullptr;
    const std::string amount = equals == std::string::npos ? "" : r.substr(equals + 1);
    const long long n = std::strtoll(amount.c_str(), &end, 10);
    if (equals == 0 || amount.empty() || *end != '\0' || n < 0) {
      return fail(Error::invalid("--resource", "'" + r + "' is not name=amount, such as gpu=1"));
    }
    o.resources[r.substr(0, equals)] = n;
  }
  return o;
}

Error refusal(const client::ClientError& error) {
  Error out = error.error;
  out.reason = client::to_string(error.kind);
  for (const auto& [field, flag] : kFlags) {
    if (out.field == field) {
      out.field = flag;
    }
  }
  if (out.field.starts_with(kResources)) {
    out.field.replace(0, kResources.size(), "--resource ");
  }
  return out;
}

int session_create(const Flags& flags, const SessionFlags& session_flags, int keep_pid) {
  const Result<client::SessionOptions> options = session_options(session_flags);
  if (!options) {
    return report(options.error());
  }
  return open_and_leave(flags, session_flags.pool, keep_pid, [&](const client::Context& context) {
    return client::create_session(context, *options);
  });
}

int session_recreate(const Flags& flags, const SessionFlags& session_flags, const std::string& id,
                     int keep_pid) {
  const Result<client::SessionOptions> options = session_options(session_flags);
  if (!options) {
    return report(options.error());
  }
  const Result<SavedSession> saved = load_session(id);
  if (!saved) {
    return report(saved.error());
  }
  return open_and_leave(flags, saved->handle.pool, keep_pid, [&](const client::Context& context) {
    return client::recreate_session(context, saved->recreate_token, *options);
  });
}

int session_complete(const Flags& flags, const std::string& id, const std::string& keep_for) {
  const Result<Duration> keep = duration_flag("--keep-for", keep_for);
  const Result<SavedSession> saved = keep ? load_session(id) : fail(keep.error());
  if (!saved) {
    return report(saved.error());
  }
  const Result<Connection> connection = connect(flags);
  if (!connection) {
    return report(connection.error());
  }
  client::Client client(client_options(*connection, saved->handle.pool));
  const client::Context session = client::attach_session(client.context(), saved->handle, false);
  const auto done = client::complete_session(session, *keep).get();
  if (!done) {
    return report(done.error());
  }
  if (*keep == Duration(0)) {
    forget_session(id);
  }
  return 0;
}

}  // namespace berth::cli
