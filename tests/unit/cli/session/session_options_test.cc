#include <gtest/gtest.h>

#include "cli/session/session_commands.h"

namespace berth::cli {
namespace {

using namespace std::chrono_literals;

TEST(SessionFlagsTest, BecomeOptions) {
  SessionFlags flags;
  flags.id = "mine";
  flags.creation_timeout = "90s";
  flags.execution_timeout = "2h";
  flags.heartbeat_timeout = "500ms";
  flags.resources = {"gpu=2", "license=0"};
  const auto options = session_options(flags);
  ASSERT_TRUE(options) << options.error().text();
  EXPECT_EQ(options->id, "mine");
  EXPECT_EQ(options->creation_timeout, 90s);
  EXPECT_EQ(options->execution_timeout, 2h);
  EXPECT_EQ(options->heartbeat_timeout, 500ms);
  EXPECT_EQ(options->resources.at("gpu"), 2);
  EXPECT_EQ(options->resources.at("license"), 0);
}

TEST(SessionFlagsTest, AWrongDurationNamesItsFlag) {
  for (const auto& [field, flag] :
       {std::pair(&SessionFlags::creation_timeout, "--creation-timeout"),
        std::pair(&SessionFlags::execution_timeout, "--execution-timeout"),
        std::pair(&SessionFlags::heartbeat_timeout, "--heartbeat-timeout")}) {
    for (const char* text : {"", "5", "soon", "-1s", "1s "}) {
      SessionFlags flags;
      flags.*field = text;
      const auto options = session_options(flags);
      ASSERT_FALSE(options) << text;
      EXPECT_EQ(options.error().field, flag);
    }
  }
}

TEST(SessionFlagsTest, ARefusalNamesTheFlagInPlaceOfTheField) {
  client::ClientError error;
  error.kind = client::ErrorKind::kInvalidArgument;
  for (const auto& [field, flag] :
       {std::pair("heartbeatTimeout", "--heartbeat-timeout"),
        std::pair("creation_timeout", "--creation-timeout"),
        std::pair("resources.gpu", "--resource gpu"), std::pair("gateway", "gateway")}) {
    error.error = Error::invalid(field, "no");
    EXPECT_EQ(refusal(error).text(), "InvalidArgument: " + std::string(flag) + ": no");
  }
  error = {client::ErrorKind::kPoolNotFound,
           Error::make(ErrorCode::kNotFound, "UnknownPool", "there is no pool"),
           {},
           {}};
  EXPECT_EQ(refusal(error).text(), "PoolNotFound: there is no pool");
}

TEST(SessionFlagsTest, AResourceIsANameAndANumber) {
  for (const char* text : {"gpu", "gpu=", "gpu=x", "gpu=1x", "gpu=-1", "=1", ""}) {
    SessionFlags flags;
    flags.resources = {text};
    const auto options = session_options(flags);
    ASSERT_FALSE(options) << text;
    EXPECT_EQ(options.error().field, "--resource");
  }
}

}  // namespace
}  // namespace berth::cli
