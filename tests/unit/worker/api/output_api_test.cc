#include "tests/unit/worker/support/service_fixture.h"

namespace berth::worker {
namespace {

class OutputApiTest : public ServiceTest {
 protected:
  OutputApiTest() {
    executor_->stream = true;
    open("s1");
    start("s1", "a");
  }
  std::shared_ptr<FakeExchange> output(const std::string& query,
                                       const std::string& activity = "a") {
    return get(path("s1", "/activities/" + activity + "/output" + query), token("s1"));
  }
  void finish(const std::string& id) {
    executor_->runs.at(id)->output->finish();
    executor_->finish(id);
    loop_.run_ready();
  }
};

TEST_F(OutputApiTest, GivesWhatHasComeAsTextOrAsBase64) {
  executor_->print("a", "hello");
  EXPECT_EQ(
      output("")->body(),
      Json({{"next", 5}, {"end", false}, {"chunks", {{{"stream", "stdout"}, {"text", "hello"}}}}}));
  executor_->print("a", "\xff");
  EXPECT_EQ(output("?after=5")->body()["chunks"][0]["base64"], "/w==");
}

TEST_F(OutputApiTest, ALongPollWaitsForBytes) {
  const auto poll = output("?wait=25");
  EXPECT_EQ(poll->status(), 0);
  executor_->print("a", "x");
  EXPECT_EQ(poll->status(), 200);
  EXPECT_EQ(poll->body()["next"], 1);
  const auto next = output("?wait=25&after=1");
  EXPECT_EQ(next->status(), 0);
  loop_.advance(25s);
  EXPECT_EQ(next->body()["next"], 1);
  EXPECT_EQ(next->body()["chunks"], Json::array());
  EXPECT_EQ(service_->activity_watches(), 0U);
}

TEST_F(OutputApiTest, APollThatWaitsTellsTheCommandAtOnceThatThereIsRoom) {
  int room = 0;
  executor_->runs.at("a")->output->on_room([&] { ++room; });
  executor_->print("a", std::string(OutputStream::kMaxRead, 'x'));
  const auto next = output("?wait=25")->body()["next"].get<std::int64_t>();
  ASSERT_EQ(next, static_cast<std::int64_t>(OutputStream::kMaxRead));
  const auto poll = output("?wait=25&after=" + std::to_string(next));
  EXPECT_EQ(poll->status(), 0);
  EXPECT_EQ(room, 1);
}

TEST_F(OutputApiTest, TheEndAnswersTheLongPoll) {
  const auto poll = output("?wait=25");
  finish("a");
  EXPECT_EQ(poll->body()["end"], true);
  EXPECT_EQ(output("?wait=25")->body()["end"], true) << "and can be asked for again";
}

TEST_F(OutputApiTest, APollRenewsTheLease) {
  const auto poll = output("?wait=15");
  for (int i = 0; i < 4; ++i) {
    loop_.advance(15s);
    output("?wait=15");
  }
  EXPECT_EQ(get(path("s1"), token("s1"))->body()["state"], "Open");
}

TEST_F(OutputApiTest, AClientThatLeavesIsForgotten) {
  const auto poll = output("?wait=25");
  EXPECT_EQ(service_->activity_watches(), 1U);
  poll->leave();
  executor_->print("a", "x");
  EXPECT_EQ(poll->status(), 0);
  EXPECT_EQ(service_->activity_watches(), 0U);
  EXPECT_EQ(output("")->body()["next"], 1) << "nothing was taken";
}

TEST_F(OutputApiTest, TheEndOfTheSessionAnswersTheLongPoll) {
  const auto poll = output("?wait=25");
  remove(path("s1"), token("s1"));
  EXPECT_EQ(poll->status(), 0) << "the activity still stops";
  finish("a");
  EXPECT_NE(poll->status(), 0);
  EXPECT_EQ(output("")->code(), "SessionEnded");
}

TEST_F(OutputApiTest, ErrorsNameWhatIsWrong) {
  EXPECT_EQ(output("?after=x")->body()["field"], "after");
  EXPECT_EQ(output("?wait=x")->body()["field"], "wait");
  EXPECT_EQ(output("?after=1")->body()["field"], "after");
  EXPECT_EQ(output("", "none")->code(), "ActivityNotFound");
  executor_->print("a", "xy");
  output("?after=2");
  EXPECT_EQ(output("?after=1")->code(), "OutputTaken");
  executor_->stream = false;
  start("s1", "quiet");
  EXPECT_EQ(output("?wait=25", "quiet")->code(), "NotStreamed");
  executor_->finish("quiet");
  EXPECT_EQ(output("", "quiet")->code(), "OutputForgotten");
}

TEST_F(OutputApiTest, UnreadOutputOfActivitiesThatAreOverIsBoundedAndTheNewestKept) {
  const std::string megabytes(3U << 20, 'x');
  for (const char* id : {"b", "c"}) {
    start("s1", id);
    executor_->print(id, megabytes);
    finish(id);
  }
  EXPECT_EQ(output("", "b")->code(), "OutputForgotten");
  EXPECT_EQ(output("", "c")->status(), 200);
  EXPECT_EQ(output("", "a")->status(), 200) << "it still runs";
  EXPECT_TRUE(logged("output that nobody read"));
}

}  // namespace
}  // namespace berth::worker
