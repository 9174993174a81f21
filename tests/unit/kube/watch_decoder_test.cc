#include <gtest/gtest.h>

#include "berth/kube/reflector.h"

namespace berth::kube {
namespace {

const std::string kTwo =
    "{\"type\":\"ADDED\",\"object\":{\"n\":1}}\n{\"type\":\"BOOKMARK\",\"object\":{\"n\":2}}\n";

struct Seen {
  std::string types;
  std::function<void(const Json&)> fn = [this](const Json& e) {
    types += e["type"].get<std::string>() + e["object"].dump() + " ";
  };
};

TEST(WatchDecoder, FramesMayBeSplitAtEveryByte) {
  for (std::size_t cut = 0; cut <= kTwo.size(); ++cut) {
    WatchDecoder decoder;
    Seen seen;
    ASSERT_TRUE(decoder.feed(kTwo.substr(0, cut), seen.fn));
    ASSERT_TRUE(decoder.feed(kTwo.substr(cut), seen.fn));
    EXPECT_EQ(seen.types, "ADDED{\"n\":1} BOOKMARK{\"n\":2} ") << cut;
    EXPECT_FALSE(decoder.mid_line());
  }
}

TEST(WatchDecoder, BytesOneByOneAreTheSame) {
  WatchDecoder decoder;
  Seen seen;
  for (const char c : kTwo) {
    ASSERT_TRUE(decoder.feed(std::string_view(&c, 1), seen.fn));
  }
  EXPECT_EQ(seen.types, "ADDED{\"n\":1} BOOKMARK{\"n\":2} ");
}

TEST(WatchDecoder, KnowsThatALineIsNotOver) {
  WatchDecoder decoder;
  Seen seen;
  ASSERT_TRUE(decoder.feed("{\"type\":", seen.fn));
  EXPECT_TRUE(decoder.mid_line());
}

TEST(WatchDecoder, EmptyLinesAndCarriageReturnsAreNothing) {
  WatchDecoder decoder;
  Seen seen;
  ASSERT_TRUE(decoder.feed("\n\r\n{\"type\":\"ADDED\",\"object\":{}}\r\n\n", seen.fn));
  EXPECT_EQ(seen.types, "ADDED{} ");
}

TEST(WatchDecoder, RefusesALineThatIsTooLongWholeOrGrowing) {
  Seen seen;
  WatchDecoder whole(16);
  EXPECT_EQ(whole.feed(std::string(17, 'x') + "\n", seen.fn).error().reason, "WatchLineTooLong");
  WatchDecoder growing(16);
  ASSERT_TRUE(growing.feed(std::string(16, 'x'), seen.fn));
  EXPECT_EQ(growing.feed("x", seen.fn).error().reason, "WatchLineTooLong");
}

TEST(WatchDecoder, RefusesWhatIsNoEvent) {
  for (const char* line : {"nope\n", "[]\n", "{}\n", "{\"type\":1,\"object\":{}}\n",
                           "{\"type\":\"ADDED\"}\n", "{\"type\":\"ADDED\",\"object\":[]}\n"}) {
    WatchDecoder decoder;
    Seen seen;
    const Status fed = decoder.feed(line, seen.fn);
    ASSERT_FALSE(fed) << line;
    EXPECT_EQ(fed.error().reason, "BadWatchEvent") << line;
    EXPECT_EQ(seen.types, "");
  }
}

TEST(NewerVersion, ComparesDecimalNumbersOfAnyLength) {
  EXPECT_TRUE(newer_version("10", "9"));
  EXPECT_FALSE(newer_version("9", "10"));
  EXPECT_FALSE(newer_version("10", "10"));
  EXPECT_TRUE(newer_version("100000000000000000000000000000000000001",
                            "100000000000000000000000000000000000000"));
}

TEST(NewerVersion, IsFalseForAnythingElse) {
  for (const char* odd : {"", "0", "01", "1a", "-1", " 1"}) {
    EXPECT_FALSE(newer_version(odd, "1")) << odd;
    EXPECT_FALSE(newer_version("1", odd)) << odd;
  }
}

}  // namespace
}  // namespace berth::kube
