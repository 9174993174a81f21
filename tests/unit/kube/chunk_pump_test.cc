#include "lib/kube/src/chunk_pump.h"

#include <gtest/gtest.h>

#include "tests/fakes/manual_loop.h"

namespace berth::kube {
namespace {

// Answers inside next(), and looks at itself afterwards.
class EagerSource final : public http::BodySource {
 public:
  EagerSource(int chunks, bool& calling, bool& gone)
      : left_(chunks), calling_(calling), gone_(gone) {}
  ~EagerSource() override {
    EXPECT_FALSE(calling_) << "destroyed while it was calling";
    gone_ = true;
  }
  void next(ChunkFn fn) override {
    const bool outer = std::exchange(calling_, true);
    fn(left_-- > 0 ? "x" : "");
    calling_ = outer;
  }

 private:
  int left_;
  bool& calling_;
  bool& gone_;
};

struct ChunkPumpTest : ::testing::Test {
  std::shared_ptr<http::BodySource> source(int count) {
    return std::make_shared<EagerSource>(count, calling, gone);
  }
  fakes::ManualLoop loop;
  bool calling = false;
  bool gone = false;
  int chunks = 0;
  std::unique_ptr<ChunkPump> pump;
};

TEST_F(ChunkPumpTest, ASourceThatAnswersAtOnceNeedsNoStack) {
  bool ended = false;
  pump = std::make_unique<ChunkPump>(loop, source(300'000), [&](const Result<std::string>& c) {
    c->empty() ? ended = true : ++chunks;
  });
  EXPECT_EQ(chunks, 0) << "not inside the constructor";
  loop.run_ready();
  EXPECT_TRUE(ended);
  EXPECT_EQ(chunks, 300'000);
  EXPECT_TRUE(gone) << "the source goes with its end";
}

TEST_F(ChunkPumpTest, DestroyedInsideItsCallbackItIsOverAndTheSourceGoesAfterwards) {
  pump = std::make_unique<ChunkPump>(loop, source(10), [&](const Result<std::string>&) {
    ++chunks;
    pump.reset();
  });
  loop.run_ready();
  EXPECT_EQ(chunks, 1);
  EXPECT_TRUE(gone);
}

TEST_F(ChunkPumpTest, DestroyedBeforeItStartedItNeverCalls) {
  pump =
      std::make_unique<ChunkPump>(loop, source(10), [&](const Result<std::string>&) { ++chunks; });
  pump.reset();
  EXPECT_TRUE(gone);
  loop.run_ready();
  EXPECT_EQ(chunks, 0);
}

}  // namespace
}  // namespace berth::kube
