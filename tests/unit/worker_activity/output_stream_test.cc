#include "worker/activity/output_stream.h"

#include <gtest/gtest.h>

#include <string>

namespace berth::worker {
namespace {

std::string text_of(const api::ActivityOutput& output) {
  std::string text;
  for (const auto& chunk : output.chunks) {
    text += (chunk.is_stderr ? "2:" : "1:") + chunk.bytes + " ";
  }
  return text;
}

class OutputStreamTest : public ::testing::Test {
 protected:
  api::ActivityOutput read(std::int64_t after) {
    const auto output = stream_.read(after);
    EXPECT_TRUE(output) << (output ? "" : output.error().text());
    return output.value_or(api::ActivityOutput{});
  }
  OutputStream stream_;
};

TEST_F(OutputStreamTest, GivesBothStreamsInTheirOrderAndWhatFollowsAnOffset) {
  stream_.append(false, "one");
  stream_.append(false, "two");
  stream_.append(true, "err");
  EXPECT_EQ(text_of(read(0)), "1:onetwo 2:err ");
  EXPECT_EQ(read(0).next, 9);
  EXPECT_FALSE(read(0).end);
  EXPECT_EQ(text_of(read(2)), "1:etwo 2:err ");
  EXPECT_EQ(text_of(read(9)), "");
}

TEST_F(OutputStreamTest, TheSameOffsetGivesTheSameBytesAgainUntilOneAsksForMore) {
  stream_.append(false, "abcdef");
  EXPECT_EQ(text_of(read(2)), "1:cdef ");
  EXPECT_EQ(text_of(read(2)), "1:cdef ");
  EXPECT_EQ(text_of(read(4)), "1:ef ");
  const auto taken = stream_.read(2);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().reason, "OutputTaken");
}

TEST_F(OutputStreamTest, AnOffsetThatWasNeverPrintedIsRefused) {
  stream_.append(false, "abc");
  const auto beyond = stream_.read(4);
  ASSERT_FALSE(beyond);
  EXPECT_EQ(beyond.error().field, "after");
  EXPECT_EQ(text_of(read(0)), "1:abc ");
}

TEST_F(OutputStreamTest, TheEndIsToldWithTheLastBytesAndNotBefore) {
  stream_.append(false, std::string(OutputStream::kMaxRead + 1, 'x'));
  stream_.finish();
  const auto first = read(0);
  EXPECT_EQ(first.next, static_cast<std::int64_t>(OutputStream::kMaxRead));
  EXPECT_FALSE(first.end);
  const auto last = read(first.next);
  EXPECT_EQ(text_of(last), "1:x ");
  EXPECT_TRUE(last.end);
  EXPECT_TRUE(read(last.next).end);
}

TEST_F(OutputStreamTest, NewsAreBytesOrTheEnd) {
  EXPECT_FALSE(stream_.has_news(0));
  stream_.append(true, "x");
  EXPECT_TRUE(stream_.has_news(0));
  EXPECT_FALSE(stream_.has_news(1));
  stream_.finish();
  EXPECT_TRUE(stream_.has_news(1));
}

TEST_F(OutputStreamTest, AFullStreamTellsWhenItHasRoomOnceTheReaderHasMovedOn) {
  int room = 0;
  stream_.on_room([&] { ++room; });
  while (!stream_.full()) {
    stream_.append(false, std::string(1000, 'x'));
  }
  const auto first = read(0);
  EXPECT_EQ(room, 0) << "a read frees nothing: its answer may be lost";
  EXPECT_TRUE(stream_.full());
  (void)read(1000);
  EXPECT_EQ(room, 0) << "not for every byte";
  (void)read(first.next);
  EXPECT_EQ(room, 1);
  (void)read(first.next);
  EXPECT_EQ(room, 1);
}

TEST_F(OutputStreamTest, OneByteAtATimeInTurnsIsBoundedToo) {
  std::size_t bytes = 0;
  while (!stream_.full()) {
    stream_.append(bytes % 2 == 0, "x");
    ++bytes;
  }
  EXPECT_LT(bytes, 5'000U);
  (void)read(static_cast<std::int64_t>(bytes));
  EXPECT_EQ(stream_.cost(), 0U);
}

}  // namespace
}  // namespace berth::worker
