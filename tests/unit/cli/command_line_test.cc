#include "cli/command_line.h"

#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "tests/unit/cli/cli_fixture.h"

namespace berth::cli {
namespace {

TEST(CommandLineFlags, EverythingBehindTheDashesIsTheCommand) {
  const auto p = parse_command_line({"-n", "team", "session", "run", "--pool", "p", "--resource",
                                     "gpu=1", "--", "ls", "-l", "--pool", "x"});
  ASSERT_TRUE(p.arguments->run) << p.text;
  EXPECT_EQ(p.arguments->flags.ns, "team");
  EXPECT_EQ(p.arguments->session.pool, "p");
  EXPECT_EQ(p.arguments->session.resources, std::vector<std::string>{"gpu=1"});
  EXPECT_EQ(p.arguments->command, (std::vector<std::string>{"ls", "-l", "--pool", "x"}));
}

TEST(CommandLineFlags, TheWayToAClusterIsTaken) {
  const auto p = parse_command_line({"--context", "prod", "--kubeconfig", "/k",
                                     "--as-service-account", "ci", "--gateway-namespace", "b",
                                     "--gateway-service", "gw:80", "config", "--check"});
  ASSERT_TRUE(p.arguments->run) << p.text;
  EXPECT_EQ(p.arguments->flags.context, "prod");
  EXPECT_EQ(p.arguments->flags.kubeconfig, "/k");
  EXPECT_EQ(p.arguments->flags.service_account, "ci");
  EXPECT_EQ(p.arguments->flags.gateway_namespace, "b");
  EXPECT_EQ(p.arguments->flags.gateway_service, "gw:80");
  EXPECT_TRUE(p.arguments->check);
}

TEST(CommandLineFlags, GlobalFlagsMayStandBehindTheCommand) {
  const auto p =
      parse_command_line({"pool", "list", "-n", "team", "--context", "prod", "-o", "name"});
  ASSERT_TRUE(p.arguments->run) << p.text;
  EXPECT_EQ(p.arguments->flags.ns, "team");
  EXPECT_EQ(p.arguments->flags.context, "prod");
  EXPECT_EQ(p.arguments->output, "name");
}

TEST(CommandLineFlags, SeveralWorkersAtOnce) {
  const auto p = parse_command_line({"drain", "p-0", "p-1", "--wait", "--timeout", "5m"});
  ASSERT_TRUE(p.arguments->run) << p.text;
  EXPECT_EQ(p.arguments->workers_named, (std::vector<std::string>{"p-0", "p-1"}));
  EXPECT_TRUE(p.arguments->drain.wait);
  EXPECT_EQ(p.arguments->drain.timeout, "5m");
}

TEST(CommandLineFlags, DefaultsAreThoseThatHelpSays) {
  const auto p = parse_command_line({"session", "create", "--pool", "p"});
  EXPECT_EQ(p.arguments->session.creation_timeout, "1m");
  EXPECT_EQ(p.arguments->session.heartbeat_timeout, "20s");
  EXPECT_EQ(p.arguments->keep_pid, 0);
  EXPECT_EQ(p.arguments->flags.gateway_service, "berth-gateway");
}

TEST(CommandLineFlags, MistakesAreStatus2AndNameTheFlag) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> mistakes = {
      {{}, "name a command of `berth`: dev, session,"},
      {{"nonsense"}, "no command `berth nonsense`; there are: dev,"},
      {{"session"}, "name a command of `berth session`: run,"},
      {{"session", "star"}, "no command `berth session star`; there are: run,"},
      {{"session", "star"}, "See `berth session --help`"},
      {{"--polo", "top"}, "`berth top` has no flag --polo"},
      {{"session", "create", "--pol", "p"}, "`berth session create` has no flag --pol"},
      {{"session", "run", "--pool", "p", "ls", "-l"}, "no flag -l; put -- before the command"},
      {{"session", "run", "--", "ls"}, "berth: --pool is required"},
      {{"dev", "pool.yaml"}, "`berth dev` takes no 'pool.yaml'"},
      {{"--gateway"}, "--gateway"},
      {{"session", "run", "--", "ls"}, "--pool"},
      {{"session", "run", "--pool", "p"}, "command"},
      {{"session", "create", "--pool", "p", "--keep", "-3"}, "--keep: '-3' is no process id"},
      {{"session", "recreate", "s", "--keep", "x"}, "--keep: 'x' is no process id"},
      {{"session", "recreate", "s", "--keep", "0"}, "--keep: '0' is no process id"},
      {{"session", "list", "--pool", "p", "-o", "xml"}, "--output"},
      {{"pool", "scale", "p"}, "--auto"},
      {{"pool", "scale", "p", "--auto", "--workers", "1"}, "--auto"},
      {{"pool", "scale", "p", "--workers", "-1"}, "--workers"},
      {{"top", "--interval", "0"}, "--interval"},
      {{"cp", "one"}, "to"},
      {{"session", "execute", "id"}, "type"},
      {{"drain"}, "worker"},
      {{"why"}, "pool"},
      {{"sessions", "p", "-A"}, "--all-namespaces"},
      {{"why", "p", "-o", "wide"}, "--output"},
  };
  for (const auto& [args, part] : mistakes) {
    const auto p = parse_command_line(args);
    EXPECT_EQ(p.status, 2) << part;
    EXPECT_FALSE(p.arguments->run) << part;
    EXPECT_THAT(p.text, HasSubstr(part));
  }
}

TEST(CommandLineFlags, HelpAndVersionAreStatus0) {
  const auto help = parse_command_line({"--help"});
  EXPECT_EQ(help.status, 0);
  EXPECT_THAT(help.text, HasSubstr("Exit status:"));
  EXPECT_THAT(parse_command_line({"session", "run", "--help"}).text, HasSubstr("--pool"));
  EXPECT_EQ(parse_command_line({"--version"}).status, 0);
}

TEST(CommandLineFlags, AsAPluginItIsCalledByKubectlsName) {
  EXPECT_THAT(parse_command_line({"top", "--help"}, "kubectl berth").text,
              HasSubstr("Usage: kubectl berth top [OPTIONS] [pool]"));
  const auto wrong =
      parse_command_line({"session", "run", "--pool", "p", "--bad"}, "kubectl berth");
  EXPECT_EQ(wrong.status, 2);
  EXPECT_THAT(wrong.text, HasSubstr("put -- before the command"));
  EXPECT_THAT(wrong.text, HasSubstr("See `kubectl berth session run --help`."));
}

/// docs/cli.md holds the help of each command between these.
constexpr const char* kBegin = "<!-- The rest is what --help says; a test compares. -->\n";

std::string reference() {
  std::string text = kBegin;
  for (const auto& [name, help] : help_texts()) {
    text += "\n## berth" + (name.empty() ? "" : " " + name) + "\n\n```text\n" + help + "```\n";
  }
  return text;
}

TEST(Reference, DocsCliMdSaysWhatHelpSays) {
  const std::string file = BERTH_SOURCE_DIR "/docs/cli.md";
  std::ostringstream buffer;
  buffer << std::ifstream(file).rdbuf();
  std::string text = buffer.str();
  const std::size_t begin = text.find(kBegin);
  ASSERT_NE(begin, std::string::npos) << file << " lacks " << kBegin;
  if (::getenv("BERTH_UPDATE_DOCS") != nullptr) {
    text = text.substr(0, begin) + reference();
    std::ofstream(file) << text;
  }
  EXPECT_TRUE(text.substr(begin) == reference())
      << "run this test with BERTH_UPDATE_DOCS=1 and look at the difference";
}

TEST(Reference, EveryCommandSaysWhatItIsFor) {
  for (const auto& [name, help] : help_texts()) {
    EXPECT_GT(help.find("Usage:"), 10U) << name << ": " << help;
  }
}

}  // namespace
}  // namespace berth::cli
