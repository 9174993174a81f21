#include "berth/base/base64.h"
#include "client/src/activity_call.h"
#include "tests/unit/client/core_fixture.h"

namespace berth::client {
namespace {

/// Reading the output of a streamed exec beside its activity.
class ActivityOutputTest : public CoreTest {
 protected:
  ActivityOutputTest() : session(open({.id = "s1"}, std::chrono::hours(1))) {
    ActivityCallbacks callbacks;
    callbacks.output = [this](std::vector<api::ActivityOutput::Chunk> chunks,
                              std::function<void()> next) {
      for (const auto& chunk : chunks) {
        (chunk.is_stderr ? err : out) += chunk.bytes;
      }
      ++pieces;
      more = std::move(next);
    };
    core->execute(session, {"exec", {{"argv", {"x"}}, {"stream", true}}, {}, std::move(callbacks)},
                  scope, [this](Outcome<ActivityResult> r) { outcome = std::move(r); });
    loop.run_ready();
    const auto start = transport.expect_request("POST", kStart);
    id = body_of(start).value("activityId", "");
    start->answer(running(id, 1));
    loop.run_ready();
    output = transport.expect_request("GET", path("/output"));
    state = transport.expect_request("GET", path(""));
  }

  std::string path(const std::string& rest) const { return std::string(kStart) + "/" + id + rest; }
  static http::Response piece(std::int64_t next, bool end,
                              std::vector<api::ActivityOutput::Chunk> chunks) {
    return http::Response::json(
        200, dump_json(api::to_json(api::ActivityOutput{std::move(chunks), next, end})));
  }
  void answer(const fakes::FakeTransport::CallPtr& call, http::Response response) {
    call->answer(std::move(response));
    loop.run_ready();
  }
  void take() {
    more();
    loop.run_ready();
  }
  fakes::FakeTransport::CallPtr next_output() {
    return transport.expect_request("GET", path("/output"));
  }
  void succeed(std::int64_t status = 0) {
    api::ActivityInfo info;
    info.activity_id = api::ActivityId(id);
    info.version = 9;
    info.state = api::ActivityState::kSucceeded;
    info.exit_status = status;
    answer(state, activity_answer(info));
  }

  Core::SessionPtr session;
  std::shared_ptr<CancelScope> scope = CancelScope::child_of(session->scope());
  std::string id;
  fakes::FakeTransport::CallPtr output;
  fakes::FakeTransport::CallPtr state;
  std::string out;
  std::string err;
  int pieces = 0;
  std::function<void()> more;
  std::optional<Outcome<ActivityResult>> outcome;
};

TEST_F(ActivityOutputTest, HandsOnWhatComesAndAsksForWhatFollows) {
  EXPECT_EQ(output->request().query("after"), "0");
  EXPECT_EQ(output->request().query("wait"), "25");
  answer(output, piece(5, false, {{false, "a\n"}, {true, std::string("\xff\x00\n", 3)}}));
  EXPECT_EQ(out, "a\n");
  EXPECT_EQ(err, std::string("\xff\x00\n", 3));
  take();
  EXPECT_EQ(next_output()->request().query("after"), "5");
}

TEST_F(ActivityOutputTest, ASlowReceiverIsNotSentMore) {
  answer(output, piece(1, false, {{false, "a"}}));
  loop.advance(minutes(1));
  EXPECT_EQ(transport.waiting(), 1U) << "a renewal, and no read";
  EXPECT_EQ(pieces, 1);
  take();
  more();  // A second word for the same piece is nothing new.
  loop.run_ready();
  EXPECT_EQ(pieces, 1);
}

TEST_F(ActivityOutputTest, TheResultComesWhenAllOutputWasTaken) {
  answer(output, piece(4, true, {{false, "last"}}));
  succeed(3);
  EXPECT_FALSE(outcome);
  take();
  ASSERT_TRUE(outcome && *outcome);
  EXPECT_EQ((*outcome)->exit_status, 3);
  EXPECT_EQ((*outcome)->output, "");
  EXPECT_EQ(out, "last");
}

TEST_F(ActivityOutputTest, TheResultWaitsForOutputThatComesLate) {
  succeed();
  EXPECT_FALSE(outcome);
  answer(output, piece(0, false, {}));
  loop.advance(seconds(1));
  answer(next_output(), piece(4, true, {{false, "late"}}));
  take();
  EXPECT_TRUE(outcome && *outcome);
  EXPECT_EQ(out, "late");
}

TEST_F(ActivityOutputTest, ALostAnswerIsAskedForAgainAtTheSameOffset) {
  answer(output, piece(2, false, {{false, "ab"}}));
  take();
  next_output()->fail_lost();
  loop.advance(seconds(1));
  const auto again = next_output();
  EXPECT_EQ(again->request().query("after"), "2");
  answer(again, piece(3, true, {{false, "c"}}));
  take();
  EXPECT_EQ(out, "abc");
}

TEST_F(ActivityOutputTest, AnEmptyAnswerThatDidNotWaitIsNotRepeatedAtOnce) {
  answer(output, piece(0, false, {}));
  EXPECT_EQ(transport.waiting(), 0U);
  loop.advance(seconds(1));
  answer(next_output(), piece(0, true, {}));
  succeed();
  EXPECT_TRUE(outcome && *outcome);
}

TEST_F(ActivityOutputTest, OutputThatIsGoneMakesASuccessAFailure) {
  answer(output, error_answer(410, "OutputTaken", "somebody else has it"));
  succeed();
  ASSERT_TRUE(outcome && !*outcome);
  EXPECT_EQ(outcome->error().kind, ErrorKind::kActivityFailed);
  EXPECT_EQ(outcome->error().activity->type, "OutputTaken");
}

TEST_F(ActivityOutputTest, AFailureOfTheActivityItselfIsToldAndNotTheLostOutput) {
  answer(output, error_answer(410, "OutputForgotten", "nothing kept"));
  answer(state, failed(id, api::ActivityState::kFailed, {"CommandNotFound", "no x", false}));
  ASSERT_TRUE(outcome && !*outcome);
  EXPECT_EQ(outcome->error().activity->type, "CommandNotFound");
}

TEST_F(ActivityOutputTest, AfterACancelTheRestIsStillRead) {
  scope->cancel();
  loop.run_ready();
  answer(transport.expect_request("DELETE", path("")), running(id, 2));
  answer(state, failed(id, api::ActivityState::kCancelled, {"Cancelled", "", false}));
  EXPECT_FALSE(outcome);
  answer(output, piece(3, true, {{true, "bye"}}));
  take();
  EXPECT_EQ(err, "bye");
  ASSERT_TRUE(outcome && !*outcome);
  EXPECT_EQ(outcome->error().kind, ErrorKind::kCancelled);
}

TEST_F(ActivityOutputTest, TheEndOfTheSessionEndsTheReading) {
  answer(output, piece(1, false, {{false, "a"}}));
  transport.on("GET", "/v1/sessions/{id}", [](const http::Request&) {
    return session_answer("s1", api::SessionState::kEnded, api::EndReason::kDrainDeadline);
  });
  answer(state, error_answer(410, "SessionEnded", "drained"));
  loop.run_ready();
  ASSERT_TRUE(outcome && !*outcome);
  const auto sent = transport.waiting();
  take();
  EXPECT_EQ(transport.waiting(), sent) << "nothing is asked of a session that is over";
}

}  // namespace
}  // namespace berth::client
