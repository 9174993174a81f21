#pragma once

#include <string>
#include <vector>

#include "cli/settings/settings.h"

/// `berth session ...`: one function per command, each returning the exit status.
namespace berth::cli {

struct SessionFlags {
  std::string pool;
  std::string id;
  std::string creation_timeout = "1m";
  std::string execution_timeout = "1h";
  std::string heartbeat_timeout = "20s";
  std::vector<std::string> resources;  ///< "gpu=1"
};

/// Opens a session, runs `argv` in it by exec, prints its output as it comes, completes the
/// session. Returns the command's own exit status; 2 for a wrong flag or value, before anything was
/// run; 125 when Berth itself failed and 127 when there is no such command, as `docker run` does;
/// 128+N after signal N, which cancels the command; 141 when the reader of our output has gone.
/// Ignores SIGPIPE from then on.
int session_run(const Flags& flags, const SessionFlags& session,
                const std::vector<std::string>& argv);

/// Opens a session and leaves it open, kept alive by a background process for as long as process
/// `keep_pid` lives. Prints the id. Without `keep_pid` (0) the session lives for one heartbeat
/// timeout after each use.
int session_create(const Flags& flags, const SessionFlags& session, int keep_pid);

/// Runs one activity in a session of `session create` and prints its result as JSON; of an exec
/// what the command printed, and returns its exit status. A signal cancels it: 128+N.
int session_execute(const Flags& flags, const std::string& id, const std::string& type,
                    const std::string& input);

/// Completes a session of `session create`; `keep_for` holds its slot that long for `recreate`.
int session_complete(const Flags& flags, const std::string& id, const std::string& keep_for);
/// A new session on the worker of `id`.
int session_recreate(const Flags& flags, const SessionFlags& session, const std::string& id,
                     int keep_pid);

Result<client::SessionOptions> session_options(const SessionFlags& flags);

/// Why a session of these flags was not opened, with the flag in place of the request's field.
Error refusal(const client::ClientError& error);

}  // namespace berth::cli
