#include "cli/dev/dev_context.h"

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/cli/cli_fixture.h"

namespace berth::cli {
namespace {

class DevContextTest : public CliTest {};

TEST_F(DevContextTest, IsReadAsItWasWrittenAndOnlyByItsUser) {
  pretend_dev("mine");
  const auto read = read_dev_context("mine");
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->gateway, "http://127.0.0.1:7070");
  EXPECT_EQ(read->token_file, dir_ / "dev-token");
  EXPECT_EQ(read->kubeconfig, dir_ / "dev-kubeconfig");
  EXPECT_EQ(read->pid, getpid());
  struct stat info {};
  ASSERT_EQ(::stat((*dev_dir("mine") / "context.json").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  ASSERT_EQ(::stat((dir_ / "state" / "berth").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700U);
}

TEST_F(DevContextTest, OfAProcessThatHasGoneIsNone) {
  const pid_t gone = ::fork();
  if (gone == 0) {
    ::_exit(0);
  }
  ASSERT_EQ(::waitpid(gone, nullptr, 0), gone);
  ASSERT_TRUE(write_dev_context("dev", {"http://127.0.0.1:1", "t", "k", gone}));
  const auto read = read_dev_context("dev");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().reason, "NoDevCluster");
}

TEST_F(DevContextTest, AbsentBrokenAndEmptyOnesAreErrorsThatSayTheName) {
  EXPECT_THAT(read_dev_context("other").error().message, HasSubstr("'other'"));
  ASSERT_TRUE(write_dev_context("dev", {"", "t", "k", static_cast<int>(getpid())}));
  EXPECT_EQ(read_dev_context("dev").error().reason, "NoDevCluster");
  EXPECT_EQ(read_dev_context("../x").error().field, "--name");
}

}  // namespace
}  // namespace berth::cli
