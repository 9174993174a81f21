#include "berth/api/activity.h"

#include <gtest/gtest.h>

#include "tests/unit/api/expect_error.h"

namespace berth::api {
namespace {

using std::chrono::milliseconds;

std::string start_error(const Json& body) {
  const auto r = StartActivity::parse(body);
  return r ? "" : r.error().text();
}

TEST(StartActivity, ReadsBackWhatWasWritten) {
  const Json body = {{"activityId", "a-1"},
                     {"type", "exec"},
                     {"input", {{"argv", {"ls", "-l"}}}},
                     {"startToCloseTimeout", "5m"},
                     {"heartbeatTimeout", "10s"}};
  const auto a = StartActivity::parse(body);
  ASSERT_TRUE(a) << a.error().text();
  EXPECT_EQ(a->activity_id, ActivityId("a-1"));
  EXPECT_EQ(a->start_to_close_timeout, std::chrono::minutes(5));
  EXPECT_EQ(to_json(*a), body);
}

TEST(StartActivity, NeedsOnlyAType) {
  const auto a = StartActivity::parse({{"type", "Fetch_v1.2-x"}});
  ASSERT_TRUE(a);
  EXPECT_TRUE(a->activity_id.empty());
  EXPECT_TRUE(a->input.is_null());
  EXPECT_FALSE(a->heartbeat_timeout);
}

TEST(StartActivity, NamesTheWrongField) {
  EXPECT_EQ(start_error(Json::object()), "InvalidArgument: type: is required");
  EXPECT_EQ(start_error({{"type", "../x"}}),
            "InvalidArgument: type: must be 1 to 63 characters of A-Z, a-z, 0-9, '_', '.' and '-'");
  EXPECT_EQ(start_error({{"type", "x"}, {"activityId", "A"}}),
            "InvalidArgument: activityId: must be 1 to 63 characters of a-z, 0-9 and '-', is 'A'");
  EXPECT_EQ(start_error({{"type", "x"}, {"startToCloseTimeout", "soon"}}),
            "InvalidArgument: startToCloseTimeout: 'soon' is no duration; write it like 20s, 1h30m "
            "or 250ms");
  EXPECT_EQ(start_error({{"type", "x"}, {"timeout", "1s"}}),
            "InvalidArgument: timeout: is not a known field; known here: activityId, type, input, "
            "startToCloseTimeout, heartbeatTimeout");
}

TEST(ActivityInfo, ReadsBackASuccess) {
  ActivityInfo a;
  a.activity_id = ActivityId("a-1");
  a.type = "exec";
  a.state = ActivityState::kSucceeded;
  a.result = {{"lines", 3}};
  a.progress = 0.5;
  a.version = 9;
  a.stderr_tail = "warning\n";
  a.exit_status = 0;
  a.stdout_base64 = "aGk=";
  a.runtime = milliseconds(1250);
  const Json j = to_json(a);
  EXPECT_EQ(j, (Json{{"activityId", "a-1"},
                     {"type", "exec"},
                     {"state", "Succeeded"},
                     {"result", {{"lines", 3}}},
                     {"progress", 0.5},
                     {"version", 9},
                     {"stderrTail", "warning\n"},
                     {"exitStatus", 0},
                     {"stdoutBase64", "aGk="},
                     {"runtimeSeconds", 1.25}}));
  const auto back = ActivityInfo::parse(j);
  ASSERT_TRUE(back) << back.error().text();
  EXPECT_EQ(back->exit_status, 0);
  EXPECT_EQ(back->runtime, milliseconds(1250));
  EXPECT_EQ(to_json(*back), j);
}

TEST(ActivityInfo, ReadsBackAFailure) {
  ActivityInfo a;
  a.activity_id = ActivityId("a-1");
  a.state = ActivityState::kFailed;
  a.failure = {"FileNotFound", "no such file", false};
  const Json j = to_json(a);
  EXPECT_EQ(j["failure"],
            (Json{{"type", "FileNotFound"}, {"message", "no such file"}, {"retryable", false}}));
  const auto back = ActivityInfo::parse(j);
  ASSERT_TRUE(back);
  EXPECT_FALSE(back->failure->retryable);
  EXPECT_EQ(to_json(*back), j);
}

TEST(ActivityInfo, IgnoresWhatANewerWorkerAdds) {
  EXPECT_TRUE(ActivityInfo::parse({{"activityId", "a"},
                                   {"state", "Failed"},
                                   {"runtimeSeconds", 0},
                                   {"failure", {{"type", "X"}, {"trace", "t"}}},
                                   {"queue", 1}}));
}

TEST(ActivityInfo, RefusesAnExitStatusOutOfRange) {
  EXPECT_EQ(
      error_in(ActivityInfo::parse({{"activityId", "a"}, {"state", "Failed"}, {"exitStatus", 256}}))
          .field,
      "exitStatus");
}

TEST(ActivityOutput, TextGoesAsTextAndOtherBytesAsBase64) {
  ActivityOutput a;
  a.next = 9;
  a.chunks = {{false, "gr\xC3\xBC\xC3\x9F\n"}, {true, std::string("\0\xff", 2)}, {false, ""}};
  const Json j = to_json(a);
  EXPECT_EQ(j["chunks"][0]["text"], "gr\xC3\xBC\xC3\x9F\n");
  EXPECT_EQ(j["chunks"][1], Json({{"stream", "stderr"}, {"base64", "AP8="}}));
  const auto back = ActivityOutput::parse(j);
  ASSERT_TRUE(back);
  EXPECT_EQ(to_json(*back), j);
}

TEST(ActivityOutput, AWrongChunkIsRefusedWithItsPlace) {
  const auto chunk = [](Json c) {
    return error_in(ActivityOutput::parse(
                        {{"next", 1}, {"chunks", {{{"stream", "stdout"}, {"text", "x"}}, c}}}))
        .field;
  };
  EXPECT_EQ(chunk({{"stream", "stdin"}}), "chunks[1].stream");
  EXPECT_EQ(chunk({{"text", "x"}}), "chunks[1].stream");
  EXPECT_EQ(chunk({{"stream", "stdout"}, {"base64", "!"}}), "chunks[1].base64");
  EXPECT_EQ(error_in(ActivityOutput::parse({{"next", -1}})).field, "next");
}

TEST(ActivityState, TextsReadBackAndFinalStatesAreKnown) {
  for (const auto s :
       {ActivityState::kRunning, ActivityState::kCancelling, ActivityState::kSucceeded,
        ActivityState::kFailed, ActivityState::kCancelled, ActivityState::kTimedOut}) {
    EXPECT_EQ(parse_activity_state(to_string(s)), s);
  }
  EXPECT_FALSE(is_final(ActivityState::kCancelling));
  EXPECT_TRUE(is_final(ActivityState::kTimedOut));
}

}  // namespace
}  // namespace berth::api
