#include "temporal/session/answers.h"

#include <gtest/gtest.h>

#include "tests/fakes/manual_loop.h"
#include "tests/fakes/seeded_random.h"
#include "tests/unit/temporal/fake_service.h"

namespace berth::temporal {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

class AnswersTest : public testing::Test {
 protected:
  fakes::ManualLoop loop;
  fakes::SeededRandom random;
  FakeService service{loop};
  Answers answers{loop, service, random, Log()};
};

TEST_F(AnswersTest, ArriveOnceEach) {
  answers.completed("a", {{"n", 1}});
  answers.failed("b", {.type = "T", .message = "m"});
  answers.cancelled("c");
  EXPECT_EQ(answers.pending(), 3u);
  loop.advance(minutes(1));
  EXPECT_EQ(answers.pending(), 0u);
  ASSERT_EQ(service.outcomes.size(), 3u);
  EXPECT_EQ(service.outcomes[0].result, Json({{"n", 1}}));
  EXPECT_EQ(service.outcomes[1].failure.type, "T");
  EXPECT_EQ(service.outcomes[2].kind, "cancelled");
}

TEST_F(AnswersTest, AreRepeatedUntilTheyArrive) {
  service.answers = fail(Error::make(ErrorCode::kUnavailable, "", "refused"));
  answers.completed("a", nullptr);
  loop.advance(seconds(30));
  EXPECT_TRUE(service.outcomes.empty());
  EXPECT_GT(service.tries, 3);
  service.answers = {};
  loop.advance(seconds(15));
  EXPECT_EQ(service.outcomes.size(), 1u);
  EXPECT_EQ(answers.pending(), 0u);
}

TEST_F(AnswersTest, EndWithATaskThatNobodyWaitsForAndRunWhatFollows) {
  service.answers = fail(Error::make(ErrorCode::kNotFound, "", "already completed"));
  int then = 0;
  answers.completed("a", nullptr, [&] { ++then; });
  loop.advance(seconds(1));
  EXPECT_EQ(answers.pending(), 0u);
  EXPECT_EQ(service.tries, 1);
  EXPECT_EQ(then, 1);
}

TEST_F(AnswersTest, AreGivenUpAfterFiveMinutesWithALine) {
  std::vector<std::string> lines;
  Answers loud(loop, service, random,
               Log::to_function([&](const std::string& line) { lines.push_back(line); }));
  service.answers = fail(Error::make(ErrorCode::kUnavailable, "", "refused"));
  loud.cancelled("a");
  loop.advance(minutes(6));
  EXPECT_EQ(loud.pending(), 0u);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_NE(lines[0].find("an outcome did not reach its workflow"), std::string::npos);
}

}  // namespace
}  // namespace berth::temporal
