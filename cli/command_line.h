#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/dev/dev_command.h"
#include "cli/session/session_commands.h"
#include "cli/settings/flags.h"
#include "cli/top/top_command.h"
#include "cli/worker/worker_commands.h"

namespace berth::cli {

/// Everything that the command line may say.
struct Arguments {
  Flags flags;
  DevFlags dev;
  SessionFlags session;
  int keep_pid = 0;
  std::vector<std::string> command;
  std::string id;
  std::string type;
  std::string input = "{}";
  std::string keep_for = "0s";
  std::string from;
  std::string to;
  std::string pool;
  std::optional<std::int64_t> workers;
  bool automatic = false;
  std::string output = "table";
  bool all_namespaces = false;
  std::vector<std::string> workers_named;
  DrainFlags drain;
  std::string shell;
  TopFlags top;
  bool check = false;
  std::string which_key = "all";
  std::function<int()> run;  ///< The command that was named.
};

/// What became of a command line: `arguments.run` to be called, or a text to print and the status
/// to exit with (0 for --help, 2 for a mistake).
struct ParsedCommandLine {
  std::unique_ptr<Arguments> arguments;
  std::string text;
  int status = 0;
};
/// `args` without the program's name; `program` is what texts call it: "kubectl berth".
ParsedCommandLine parse_command_line(const std::vector<std::string>& args,
                                     const std::string& program = "berth");

/// `berth COMMAND --help` of every command, by "", "session", "session run"...
std::map<std::string, std::string> help_texts();

}  // namespace berth::cli
