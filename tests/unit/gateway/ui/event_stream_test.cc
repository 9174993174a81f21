#include "gateway/ui/event_stream.h"

#include <gtest/gtest.h>

#include <optional>

#include "tests/fakes/manual_loop.h"

namespace berth::gateway::ui {
namespace {

class EventStreamTest : public ::testing::Test {
 protected:
  /// One pull by the connection; nothing while the stream has nothing to say.
  std::optional<std::string> pull() {
    got_.reset();
    stream_->next([this](Result<std::string> chunk) { got_ = chunk.value(); });
    loop_.run_ready();
    return got_;
  }

  fakes::ManualLoop loop_;
  int snapshots_ = 0;
  std::optional<std::string> got_;
  std::shared_ptr<EventStream> stream_ = std::make_shared<EventStream>(
      loop_, 10, [this] { return "snapshot " + std::to_string(++snapshots_); });
};

TEST_F(EventStreamTest, BeginsWithASnapshotAndGoesOnWithEvents) {
  stream_->send("before");
  EXPECT_EQ(pull(), "snapshot 1") << "which holds what was sent before it";
  EXPECT_EQ(pull(), std::nullopt);
  stream_->send("one");
  loop_.run_ready();
  EXPECT_EQ(got_, "one");
}

TEST_F(EventStreamTest, WhatIsSentWhileTheReaderIsBusyComesTogether) {
  pull();
  stream_->send("one,");
  stream_->send("two,");
  EXPECT_EQ(pull(), "one,two,");
}

TEST_F(EventStreamTest, ASlowReaderGetsASnapshotInsteadOfAllThatItMissed) {
  pull();
  stream_->send("12345");
  stream_->send("67890");
  stream_->send("x");  // one byte too many
  stream_->send("y");
  EXPECT_EQ(pull(), "snapshot 2");
  EXPECT_EQ(pull(), std::nullopt);
}

TEST_F(EventStreamTest, AnEventThatIsLargerThanTheLimitBecomesASnapshot) {
  pull();
  pull();  // waits
  stream_->send("much longer than ten");
  loop_.run_ready();
  EXPECT_EQ(got_, "snapshot 2");
}

TEST_F(EventStreamTest, EndsCleanly) {
  pull();
  stream_->send("dropped");
  stream_->end();
  stream_->send("ignored");
  EXPECT_EQ(pull(), "");
}

TEST_F(EventStreamTest, AReaderThatLeavesDropsWhatWasPosted) {
  pull();
  pull();
  stream_->send("one");
  stream_.reset();
  loop_.run_ready();
  EXPECT_EQ(got_, std::nullopt);
}

}  // namespace
}  // namespace berth::gateway::ui
