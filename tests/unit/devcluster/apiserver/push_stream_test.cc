#include "devcluster/apiserver/push_stream.h"

#include <gtest/gtest.h>

#include "tests/fakes/manual_loop.h"

namespace berth::devcluster {
namespace {

class PushStreamTest : public ::testing::Test {
 protected:
  std::shared_ptr<PushStream> make(PushStream::Limits limits) {
    return std::make_shared<PushStream>(loop, limits);
  }
  Result<std::string> next(PushStream& stream) {
    Result<std::string> out = std::string("nothing yet");
    stream.next([&](Result<std::string> chunk) { out = std::move(chunk); });
    loop.run_ready();
    return out;
  }
  fakes::ManualLoop loop;
};

TEST_F(PushStreamTest, HandsOverInOrderAndThenEnds) {
  const auto s = make({});
  s->push("a\n");
  s->push("b\n");
  s->end();
  s->push("late\n");
  EXPECT_EQ(*next(*s), "a\n");
  EXPECT_EQ(*next(*s), "b\n");
  EXPECT_EQ(*next(*s), "");
}

TEST_F(PushStreamTest, WaitsForWhatIsPushedLater) {
  const auto s = make({});
  std::string got;
  s->next([&](Result<std::string> chunk) { got = *chunk; });
  loop.run_ready();
  EXPECT_EQ(got, "");
  s->push("x");
  loop.run_ready();
  EXPECT_EQ(got, "x");
}

TEST_F(PushStreamTest, ASlowReaderIsCutOff) {
  const auto s = make({.bytes = 10});
  s->push("12345");
  s->push("1234567");
  EXPECT_TRUE(s->done());
  const auto chunk = next(*s);
  ASSERT_FALSE(chunk);
  EXPECT_EQ(chunk.error().reason, "SlowReader");
}

TEST_F(PushStreamTest, TheBacklogIsNoSlowness) {
  const auto s = make({.bytes = 10});
  s->push_backlog(std::string(1000, 'x'));
  s->push("12345");
  EXPECT_FALSE(s->done());
}

TEST_F(PushStreamTest, FramesOfASizeCutAnywhere) {
  const auto s = make({.frame_bytes = 2});
  s->push("abc\n");
  EXPECT_EQ(*next(*s), "ab");
  EXPECT_EQ(*next(*s), "c\n");
}

TEST_F(PushStreamTest, TellsWhenItsReaderIsGone) {
  auto s = make({});
  bool gone = false;
  s->on_gone([&] { gone = true; });
  s->next([](Result<std::string>) { FAIL() << "a dropped callback ran"; });
  s->push("x");
  s.reset();
  loop.run_ready();
  EXPECT_TRUE(gone);
}

}  // namespace
}  // namespace berth::devcluster
