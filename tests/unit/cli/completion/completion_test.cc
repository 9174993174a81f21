#include "cli/completion/completion.h"

#include "cli/command_line.h"
#include "cli/kubectl/run_process.h"
#include "cli/session/handles.h"
#include "tests/unit/cli/cli_fixture.h"

namespace berth::cli {
namespace {

using ::testing::Not;

class CompletionTest : public CliTest {
 protected:
  /// The answer to `berth __complete WORD...`, with a cluster that kubectl shows.
  std::string complete(std::vector<std::string> words) {
    words.insert(words.begin(), "__complete");
    const auto parsed = parse_command_line(words);
    EXPECT_EQ(parsed.status, 0);
    EXPECT_FALSE(parsed.arguments->run);
    return parsed.text;
  }
  void with_cluster() {
    install("kubectl", R"(
echo "$@" >> "$TEST_DIR/args"
case "$*" in
*sessionpools*) echo '{"items": [{"metadata": {"name": "files"}}, {"metadata": {"name": "gpu"}}]}' ;;
*pods*) echo '{"items": [{"metadata": {"name": "files-0"}}]}' ;;
esac)");
    set("KUBECONFIG", write("config", R"(apiVersion: v1
kind: Config
current-context: c
contexts: [{name: c, context: {cluster: k, user: u}}]
clusters: [{name: k, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: login}}}]
)"));
  }
};

TEST_F(CompletionTest, CommandsAreOfferedWithWhatTheyAreFor) {
  const std::string text = complete({""});
  EXPECT_THAT(text, HasSubstr("drain\tReplace workers"));
  EXPECT_THAT(text, HasSubstr("why\t"));
  EXPECT_THAT(text, Not(HasSubstr("__complete")));
  EXPECT_EQ(complete({"wh"}).substr(0, 4), "why\t");
  EXPECT_THAT(complete({"session", "re"}), HasSubstr("recreate\t"));
}

TEST_F(CompletionTest, PoolsAndWorkersComeFromTheCluster) {
  with_cluster();
  EXPECT_EQ(complete({"why", ""}), "files\ngpu\n:4\n");
  EXPECT_EQ(complete({"why", "g"}), "gpu\n:4\n");
  EXPECT_EQ(complete({"why", "files", ""}), ":4\n");
  EXPECT_EQ(complete({"session", "run", "--pool", ""}), "files\ngpu\n:4\n");
  EXPECT_EQ(complete({"session", "run", "--pool=f"}), "files\n:4\n");
  EXPECT_EQ(complete({"session", "run", "--pool", "=", "f"}), "files\n:4\n");
  EXPECT_EQ(complete({"drain", ""}), "files-0\n:4\n");
  EXPECT_EQ(complete({"drain", "files-0", ""}), "files-0\n:4\n");
}

TEST_F(CompletionTest, FlagsBeforeTheWordSayWhichCluster) {
  with_cluster();
  complete({"-n", "team", "--context", "prod", "why", ""});
  EXPECT_THAT(read("args"), HasSubstr("--namespace=team"));
  EXPECT_THAT(read("args"), HasSubstr("--context=prod"));
}

TEST_F(CompletionTest, WithoutAClusterThereIsJustNothingToOffer) {
  set("PATH", dir_ / "bin");
  EXPECT_EQ(complete({"why", ""}), ":4\n");
}

TEST_F(CompletionTest, OptionsAndTheirValues) {
  const std::string text = complete({"sessions", "--"});
  EXPECT_THAT(text, HasSubstr("--output\t"));
  EXPECT_THAT(text, HasSubstr("--all-namespaces\t"));
  EXPECT_THAT(text, HasSubstr("--namespace\t"));
  EXPECT_EQ(complete({"sessions", "-o", ""}), "table\nwide\njson\nyaml\nname\n:4\n");
  EXPECT_EQ(complete({"completion", ""}), "bash\nzsh\nfish\n:4\n");
}

TEST_F(CompletionTest, FilesAreTheShellsBusiness) {
  EXPECT_EQ(complete({"dev", "-f", ""}), ":0\n");
  EXPECT_EQ(complete({"--kubeconfig", "x"}), ":0\n");
  EXPECT_EQ(complete({"session", "run", "--pool", "p", "--", "l"}), ":0\n");
  EXPECT_EQ(complete({"cp", "x", ""}), ":0\n");
}

TEST_F(CompletionTest, SessionsAreThoseThatThisUserLeftOpen) {
  SavedSession saved;
  saved.handle = {"team", "p", "p-0", "127.0.0.1:1", "s-1", "secret", std::chrono::seconds(20)};
  ASSERT_TRUE(save_session(saved));
  EXPECT_EQ(complete({"session", "complete", ""}), "s-1\n:4\n");
  EXPECT_EQ(complete({"cp", "s"}), "s-1:\n:4\n");
}

TEST_F(CompletionTest, BashTakesTheScriptAndOffersWhatWeSay) {
  install("berth", R"([ "$1" = __complete ] && printf 'files\tx\nfolders\n:4\n')");
  write("script", completion_script("bash"));
  install("try", R"(exec bash -c '
    source "$TEST_DIR/script"
    COMP_WORDS=(berth why f); COMP_CWORD=2
    _berth_complete; printf "%s\n" "${COMPREPLY[@]}"' > "$TEST_DIR/out" 2>&1)");
  ASSERT_EQ(::system("\"$TEST_DIR/bin/try\""), 0);
  EXPECT_EQ(read("out"), "files\nfolders\n");
}

TEST_F(CompletionTest, ZshTakesTheScriptAndOffersWhatWeSay) {
  if (!find_program("zsh")) {
    GTEST_SKIP() << "zsh is not installed";
  }
  install("berth", R"([ "$1" = __complete ] && printf 'files\tx: y\nfolders\n:4\n')");
  write("script", completion_script("zsh"));
  // Without a terminal there is no menu: what it would be made of is printed.
  install("try", R"(exec zsh -f -c '
    compdef() { [[ "$*" = "_berth berth" ]] || exit 1 }
    _describe() { print -rl -- "${(@P)argv[-1]}" }
    source "$TEST_DIR/script"
    words=(berth why f) CURRENT=3
    _berth' > "$TEST_DIR/out" 2>&1)");
  ASSERT_EQ(::system("\"$TEST_DIR/bin/try\""), 0);
  EXPECT_EQ(read("out"), "files:x\\: y\nfolders\n");
}

TEST_F(CompletionTest, FishTakesTheScriptAndOffersWhatWeSay) {
  if (!find_program("fish")) {
    GTEST_SKIP() << "fish is not installed";
  }
  install("berth", R"([ "$1" = __complete ] && printf 'files\tx\nfolders\n:4\n')");
  write("script", completion_script("fish"));
  install("try", R"(exec fish --no-config -c '
    source "$TEST_DIR/script"
    complete -C "berth why f"' > "$TEST_DIR/out" 2>&1)");
  ASSERT_EQ(::system("\"$TEST_DIR/bin/try\""), 0);
  EXPECT_EQ(read("out"), "files\tx\nfolders\n");
}

TEST_F(CompletionTest, EachShellHasAScriptThatAsksTheProgramThatWasTyped) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    EXPECT_THAT(completion_script(shell), HasSubstr("__complete")) << shell;
  }
  EXPECT_EQ(completion_script("tcsh"), "");
  EXPECT_EQ(parse_command_line({"completion", "tcsh"}).status, 2);
}

}  // namespace
}  // namespace berth::cli
