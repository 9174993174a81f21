#include "cli/kubectl/run_process.h"

#include <unistd.h>

#include "tests/unit/cli/cli_fixture.h"

namespace berth::cli {
namespace {

class RunProcessTest : public CliTest {
 protected:
  Result<RanProcess> sh(const std::string& script, Duration limit = 30s) {
    return run_process("/bin/sh", {"-c", script}, limit);
  }
};

TEST_F(RunProcessTest, KeepsOutputErrorsAndStatusApart) {
  const auto ran = sh("echo out; echo err >&2; exit 3");
  ASSERT_TRUE(ran);
  EXPECT_EQ(ran->out, "out\n");
  EXPECT_EQ(ran->err, "err\n");
  EXPECT_EQ(ran->status, 3);
  EXPECT_EQ(sh("kill -9 $$")->status, 137);
}

TEST_F(RunProcessTest, MuchOutputOnBothDoesNotBlock) {
  const auto ran = sh("head -c 1000000 /dev/zero; head -c 1000000 /dev/zero >&2");
  ASSERT_TRUE(ran);
  EXPECT_EQ(ran->out.size(), 1'000'000U);
  EXPECT_EQ(ran->err.size(), 1'000'000U);
}

TEST_F(RunProcessTest, OneThatTakesTooLongOrPrintsWithoutEndIsKilled) {
  EXPECT_EQ(sh("echo why >&2; exec sleep 1000", 200ms).error().code, ErrorCode::kDeadlineExceeded);
  EXPECT_EQ(sh("exec cat /dev/zero").error().code, ErrorCode::kDeadlineExceeded);
}

TEST_F(RunProcessTest, AProgramThatCannotStartIsAnErrorWithItsName) {
  EXPECT_THAT(run_process("/no/such", {}, 1s).error().text(), HasSubstr("/no/such"));
}

TEST_F(RunProcessTest, FindsTheFirstExecutableOfThePath) {
  install("tool", "true");
  EXPECT_EQ(*find_program("tool"), dir_ / "bin" / "tool");
  std::filesystem::permissions(dir_ / "bin" / "tool", std::filesystem::perms::owner_read);
  if (::geteuid() != 0) {
    EXPECT_FALSE(find_program("tool"));
  }
  EXPECT_EQ(find_program("no-such-tool").error().reason, "ProgramNotFound");
  set("PATH", "");
  EXPECT_FALSE(find_program("tool")) << "an empty $PATH is not the current directory";
}

}  // namespace
}  // namespace berth::cli
