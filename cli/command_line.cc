#include "cli/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <sstream>

#include "cli/completion/completion.h"
#include "cli/copy/copy_command.h"
#include "cli/keys/key_commands.h"
#include "cli/pool/pool_commands.h"
#include "cli/session/list_command.h"
#include "cli/settings/config_command.h"
#include "cli/text/output.h"
#include "cli/top/top_command.h"
#include "cli/why/why_command.h"
#include "cli/worker/worker_commands.h"

namespace berth::cli {
namespace {

constexpr const char* kExitStatus =
    "Exit status: 0 done; 1 failed; 2 a wrong flag or value; 124 `drain --wait` timed out. "
    "`session run`: the command's own; 125 Berth failed; 127 there is no such command; 128+N ended "
    "by signal N.";

constexpr const char* kComplete = "__complete";

/// -o. `kinds` besides the default, table.
void add_output(CLI::App& c, Arguments& a, std::vector<std::string> kinds) {
  std::string text = "table";
  for (const std::string& kind : kinds) {
    text += (kind == kinds.back() ? " or " : ", ") + kind;
  }
  kinds.insert(kinds.begin(), "table");
  c.add_option("-o,--output", a.output, text)->check(CLI::IsMember(kinds));
}

/// --keep: CLI11's own check of a number tells its whole range.
void add_keep(CLI::App& c, Arguments& a) {
  const CLI::Validator process_id(
      [](std::string& text) {
        int pid = 0;
        return CLI::detail::lexical_cast(text, pid) && pid > 0
                   ? std::string()
                   : "'" + text + "' is no process id; this shell's is $$";
      },
      "", "process_id");
  c.add_option("--keep", a.keep_pid, "Keep it alive while this process runs, then complete it")
      ->type_name("PID")
      ->check(process_id);
}

void add_all_namespaces(CLI::App& c, Arguments& a) {
  c.add_flag("-A,--all-namespaces", a.all_namespaces, "Pools of every namespace, not of one");
}

void add_session_flags(CLI::App& c, SessionFlags& s) {
  c.add_option("--pool", s.pool, "Pool to open the session in")->required();
  c.add_option("--id", s.id, "Id of the session (default: random)");
  c.add_option("--creation-timeout", s.creation_timeout, "Longest wait for a slot")
      ->capture_default_str();
  c.add_option("--execution-timeout", s.execution_timeout, "Longest life of the session")
      ->capture_default_str();
  c.add_option("--heartbeat-timeout", s.heartbeat_timeout,
               "The slot returns this long after the owner has gone")
      ->capture_default_str();
  // One value each time: else CLI11 takes what follows, and a "--" with it.
  c.add_option("--resource", s.resources, "Typed resource, name=amount; repeatable")
      ->allow_extra_args(false);
}

void add_dev(CLI::App& app, Arguments& a) {
  CLI::App* c = app.add_subcommand("dev", "Run a cluster, gateway and operator on this machine");
  c->add_option("-f,--file", a.dev.files, "SessionPools, YAML or JSON; repeatable")
      ->allow_extra_args(false);
  c->add_option("--image", a.dev.images, "image=program that runs for it; repeatable")
      ->allow_extra_args(false);
  c->add_option("--name", a.dev.name, "Name, for more than one at a time")->capture_default_str();
  c->add_option("--listen", a.dev.listen, "Address of the gateway, on loopback; port 0 for any")
      ->capture_default_str();
  c->add_option("--data-dir", a.dev.data_dir,
                "Where logs, keys and pods' volumes go (default: the state directory)");
  c->add_option("--ready-file", a.dev.ready_file,
                "Write the addresses here as JSON when everything answers");
  c->add_flag("-v,--verbose", a.dev.verbose, "Debug logs");
  c->callback([&a] { a.run = [&a] { return dev(a.dev); }; });
}

void add_sessions(CLI::App& app, Arguments& a) {
  CLI::App* s = app.add_subcommand("session", "Open, use and end sessions");
  s->require_subcommand(1);
  CLI::App* run =
      s->add_subcommand("run",
                        "Run a command in a session of its own; its output comes as it is printed, "
                        "its exit status is "
                        "passed through. Its standard input is empty: send files with `berth cp`");
  add_session_flags(*run, a.session);
  run->add_option("command", a.command, "Command and arguments, after --")->required();
  run->callback([&a] { a.run = [&a] { return session_run(a.flags, a.session, a.command); }; });

  CLI::App* create = s->add_subcommand("create", "Open a session and leave it open; prints its id");
  add_session_flags(*create, a.session);
  add_keep(*create, a);
  create->callback(
      [&a] { a.run = [&a] { return session_create(a.flags, a.session, a.keep_pid); }; });

  CLI::App* execute = s->add_subcommand(
      "execute",
      "Run an activity in a session of `session create`; prints its result. Of exec: what the "
      "command prints, and its exit status is passed through");
  execute->add_option("id", a.id, "Session")->required();
  execute
      ->add_option("type", a.type,
                   "An activity of the pool's workers, or exec where the pool says so")
      ->required();
  execute->add_option("input", a.input, "Its input, JSON; of exec: {\"argv\": [...]}")
      ->capture_default_str();
  execute->callback(
      [&a] { a.run = [&a] { return session_execute(a.flags, a.id, a.type, a.input); }; });

  CLI::App* list = s->add_subcommand("list", "Sessions of a pool; as `berth sessions POOL`");
  list->add_option("--pool", a.pool, "Pool")->required();
  add_output(*list, a, {"wide", "json", "yaml", "name"});
  list->callback(
      [&a] { a.run = [&a] { return sessions(a.flags, a.pool, false, parse_output(a.output)); }; });

  CLI::App* complete = s->add_subcommand("complete", "End a session of `session create`");
  complete->add_option("id", a.id, "Session")->required();
  complete->add_option("--keep-for", a.keep_for, "Hold the slot this long for `session recreate`")
      ->capture_default_str();
  complete->callback(
      [&a] { a.run = [&a] { return session_complete(a.flags, a.id, a.keep_for); }; });

  CLI::App* recreate =
      s->add_subcommand("recreate", "Open a new session on the same worker as an earlier one");
  recreate->add_option("id", a.id, "The earlier session")->required();
  add_keep(*recreate, a);
  recreate->callback(
      [&a] { a.run = [&a] { return session_recreate(a.flags, a.session, a.id, a.keep_pid); }; });

  CLI::App* all = app.add_subcommand(
      "sessions", "Sessions of a pool, or of all pools: owner, age, worker and state");
  CLI::Option* pool = all->add_option("pool", a.pool, "Pool (default: all of the namespace)");
  add_all_namespaces(*all, a);
  all->get_option("--all-namespaces")->excludes(pool);
  add_output(*all, a, {"wide", "json", "yaml", "name"});
  all->callback([&a] {
    a.run = [&a] { return sessions(a.flags, a.pool, a.all_namespaces, parse_output(a.output)); };
  });

  CLI::App* cp = app.add_subcommand("cp", "Copy a file to or from a session's directory");
  cp->add_option("from", a.from, "FILE or SESSION:path; a local name with a colon: ./a:b")
      ->required();
  cp->add_option("to", a.to, "SESSION:path or FILE; a folder, or a path that ends in /: into it")
      ->required();
  cp->callback([&a] { a.run = [&a] { return copy_file(a.flags, a.from, a.to); }; });
}

void add_pools(CLI::App& app, Arguments& a) {
  CLI::App* p = app.add_subcommand("pool", "Look at and scale pools");
  p->require_subcommand(1);
  CLI::App* list = p->add_subcommand("list", "All pools of the namespace");
  add_output(*list, a, {"wide", "json", "yaml", "name"});
  list->callback([&a] { a.run = [&a] { return pool_list(a.flags, parse_output(a.output)); }; });
  CLI::App* describe = p->add_subcommand("describe", "One pool, its conditions and workers");
  describe->add_option("name", a.pool, "Pool")->required();
  add_output(*describe, a, {"json", "yaml"});
  describe->callback(
      [&a] { a.run = [&a] { return pool_describe(a.flags, a.pool, parse_output(a.output)); }; });
  CLI::App* scale =
      p->add_subcommand("scale", "Fix the number of workers, or give it back to the autoscaler");
  scale->add_option("name", a.pool, "Pool")->required();
  CLI::Option* workers =
      scale->add_option("--workers", a.workers, "Exactly this many")->check(CLI::Range(0, 100000));
  scale->add_flag("--auto", a.automatic, "Scale by free slots again")->excludes(workers);
  scale->callback([&a] {
    if (!a.workers && !a.automatic) {
      throw CLI::ValidationError("pool scale", "give --workers N or --auto");
    }
    a.run = [&a] { return pool_scale(a.flags, a.pool, a.workers); };
  });

  CLI::App* w = app.add_subcommand(
      "why", "Why a pool has as many workers as it has: the operator's last decision, in words");
  w->add_option("pool", a.pool, "Pool")->required();
  add_output(*w, a, {"json", "yaml"});
  w->callback([&a] { a.run = [&a] { return why(a.flags, a.pool, parse_output(a.output)); }; });
}

void add_workers(CLI::App& app, Arguments& a) {
  const auto named = [&app, &a](const char* name, const char* what) {
    CLI::App* c = app.add_subcommand(name, what);
    c->add_option("worker", a.workers_named, "Worker pods, as `berth top` names them")->required();
    return c;
  };
  named("cordon", "Keep new sessions off workers; open ones go on")->callback([&a] {
    a.run = [&a] { return cordon(a.flags, a.workers_named); };
  });
  named("uncordon",
        "Take a cordon or a drain back: new sessions come again when the pool needs the worker")
      ->callback([&a] { a.run = [&a] { return uncordon(a.flags, a.workers_named); }; });
  CLI::App* d =
      named("drain",
            "Replace workers and let them go once their sessions have ended. Sessions are "
            "ended only where the pool says drain.policy: End");
  d->add_flag("--wait", a.drain.wait, "Return when the workers are gone; says what it waits for");
  d->add_option("--timeout", a.drain.timeout, "With --wait: longest wait; 0s: for ever")
      ->capture_default_str();
  d->callback([&a] { a.run = [&a] { return drain(a.flags, a.workers_named, a.drain); }; });
}

void add_keys(CLI::App& app, Arguments& a) {
  CLI::App* k = app.add_subcommand("keys", "Control keys of operator and gateways");
  k->require_subcommand(1);
  CLI::App* rotate = k->add_subcommand(
      "rotate", "Exchange the keys without losing a session; returns once it is asked for");
  rotate->add_option("--which", a.which_key, "operator, gateway or all")
      ->check(CLI::IsMember({"operator", "gateway", "all"}))
      ->capture_default_str();
  rotate->callback([&a] { a.run = [&a] { return keys_rotate(a.flags, a.which_key); }; });
  CLI::App* status = k->add_subcommand("status", "Where the keys stand, and who is waited for");
  add_output(*status, a, {"json", "yaml"});
  status->callback([&a] { a.run = [&a] { return keys_status(a.flags, parse_output(a.output)); }; });
}

void add_others(CLI::App& app, Arguments& a) {
  CLI::App* config_app =
      app.add_subcommand("config", "Which gateway, token and namespace are used");
  config_app->add_flag("--check", a.check, "Connect, and ask the gateway for its pools");
  config_app->callback([&a] { a.run = [&a] { return config(a.flags, a.check); }; });
  CLI::App* t = app.add_subcommand("top", "A live table of pools and workers");
  CLI::Option* pool = t->add_option("pool", a.top.pool, "Pool (default: all of the namespace)");
  t->add_flag("-A,--all-namespaces", a.top.all_namespaces, "Pools of every namespace, not of one")
      ->excludes(pool);
  t->add_option("--interval", a.top.interval_seconds, "Seconds between updates")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  t->add_flag("--once", a.top.once, "Print once");
  add_output(*t, a, {"wide", "json", "yaml"});
  t->callback([&a] {
    a.run = [&a] {
      a.top.output = parse_output(a.output);
      return top(a.flags, a.top);
    };
  });
  CLI::App* c =
      app.add_subcommand("completion", "Completion for a shell: source <(berth completion bash)");
  c->add_option("shell", a.shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  c->callback([&a] {
    a.run = [&a] {
      std::cout << completion_script(a.shell);
      return 0;
    };
  });
}

void add_global(CLI::App& app, Flags& f) {
  app.add_option("--gateway", f.gateway,
                 "Origin of the gateway (default: $BERTH_GATEWAY, else the running `berth dev`, "
                 "else a Service reached with kubectl)");
  app.add_option("--ca-file", f.ca_file,
                 "CA bundle for gateways and workers with TLS (default: $BERTH_CA_FILE, else the "
                 "system's)");
  app.add_option("--server-name", f.server_name,
                 "Name that the gateway's certificate must be for (default: $BERTH_SERVER_NAME, "
                 "else its host)");
  app.add_option("--token-file", f.token_file,
                 "File with the token for the gateway (default: $BERTH_TOKEN, $BERTH_TOKEN_FILE)");
  app.add_option("-n,--namespace", f.ns,
                 "Namespace of the pools (default: $BERTH_NAMESPACE, else that of the kubeconfig)");
  app.add_option("--kubeconfig", f.kubeconfig,
                 "Kubeconfig of the cluster, as for kubectl (default: the running `berth dev`'s, "
                 "else kubectl's)");
  app.add_option("--context", f.context, "Context of the kubeconfig (default: the current one)");
  app.add_option(
      "--as-service-account", f.service_account,
      "Service account of the namespace whose token kubectl gets (default, with kubectl: "
      "default)");
  app.add_option("--gateway-namespace", f.gateway_namespace, "Where gateways and operator run")
      ->capture_default_str();
  app.add_option("--gateway-service", f.gateway_service, "The gateway's Service, NAME or NAME:PORT")
      ->capture_default_str();
  app.add_option("--dev", f.dev_name, "Name of the `berth dev` to talk to")->capture_default_str();
}

std::unique_ptr<CLI::App> make_app(Arguments& a, const std::string& program = "berth") {
  auto app = std::make_unique<CLI::App>("Berth: sessions on Kubernetes workers.", program);
  app->require_subcommand(1);
  app->fallthrough();  // Global flags may stand behind the command too.
  app->footer(kExitStatus);
  app->set_version_flag("--version", BERTH_VERSION);
  add_global(*app, a.flags);
  add_dev(*app, a);
  add_sessions(*app, a);
  add_pools(*app, a);
  add_workers(*app, a);
  add_keys(*app, a);
  add_others(*app, a);
  return app;
}

void collect_help(const std::string& name, CLI::App& app, std::map<std::string, std::string>& out) {
  const std::string before = name.rfind(' ') == std::string::npos
                                 ? (name.empty() ? "" : "berth")
                                 : "berth " + name.substr(0, name.rfind(' '));
  out[name] = app.help(before);
  for (CLI::App* sub : app.get_subcommands([](CLI::App*) { return true; })) {
    collect_help(name.empty() ? sub->get_name() : name + " " + sub->get_name(), *sub, out);
  }
}

bool is_flag(const std::string& word) {
  return word.size() > 1 && word.front() == '-';
}

// CLI11 asks for what is missing first; what was written wrong says more.
std::string mistake(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App* command = &app;
  std::string name = app.get_name();
  while (!command->get_subcommands().empty()) {
    command = command->get_subcommands().front();
    name += " " + command->get_name();
  }
  std::string commands;
  for (const CLI::App* sub : command->get_subcommands([](const CLI::App*) { return true; })) {
    commands += (commands.empty() ? "" : ", ") + sub->get_name();
  }
  std::vector<std::string> strange = app.remaining(true);
  std::erase(strange, "--");
  std::string text = error.what();
  if (strange.empty()) {
    if (!commands.empty() && dynamic_cast<const CLI::RequiredError*>(&error) != nullptr) {
      text = "name a command of `" + name + "`: " + commands;
    }
  } else if (is_flag(strange.front())) {
    text = "`" + name + "` has no flag " + strange.front();
    if (name.ends_with(" session run")) {
      text += "; put -- before the command";
    }
  } else {
    text = commands.empty() ? "`" + name + "` takes no '" + strange.front() + "'"
                            : "there is no command `" + name + " " + strange.front() +
                                  "`; there are: " + commands;
  }
  return "berth: " + text + "\nSee `" + name + " --help`.\n";
}

}  // namespace

ParsedCommandLine parse_command_line(const std::vector<std::string>& args,
                                     const std::string& program) {
  ParsedCommandLine parsed;
  parsed.arguments = std::make_unique<Arguments>();
  const auto app = make_app(*parsed.arguments, program);
  if (!args.empty() && args.front() == kComplete) {
    parsed.text = completions(*app, {args.begin() + 1, args.end()}, live_names);
    return parsed;
  }
  try {
    app->parse(std::vector<std::string>(args.rbegin(), args.rend()));
  } catch (const CLI::ParseError& e) {
    std::ostringstream text;
    const bool asked = app->exit(e, text, text) == 0;  // --help, --version
    parsed.status = asked ? 0 : 2;
    parsed.text = asked ? text.str() : mistake(*app, e);
    parsed.arguments->run = nullptr;
  }
  return parsed;
}

std::map<std::string, std::string> help_texts() {
  Arguments a;
  std::map<std::string, std::string> out;
  collect_help("", *make_app(a), out);
  return out;
}

}  // namespace berth::cli
