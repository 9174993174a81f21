#include "berth/base/duration.h"

#include <gtest/gtest.h>

namespace berth {
namespace {
using namespace std::chrono_literals;

TEST(Duration, ReadsKubernetesForm) {
  EXPECT_EQ(parse_duration("20s").value(), 20s);
  EXPECT_EQ(parse_duration("1h30m").value(), 90min);
  EXPECT_EQ(parse_duration("1.5h").value(), 90min);
  EXPECT_EQ(parse_duration("250ms").value(), 250ms);
  EXPECT_EQ(parse_duration("0").value(), 0s);
}

TEST(Duration, RefusesEverythingElseWithAnExample) {
  for (const char* bad : {"", "20", "s", "-1s", "1d", "1 s", "1..5s", "1s2", "99999999h"}) {
    EXPECT_FALSE(parse_duration(bad)) << bad;
  }
  EXPECT_NE(parse_duration("soon").error().message.find("20s"), std::string::npos);
}

TEST(Duration, PrintsTheShortestFormThatReadsBack) {
  for (const Duration d : {Duration(0s), Duration(20s), Duration(90min), Duration(61s),
                           Duration(1500ms), Duration(3us)}) {
    EXPECT_EQ(parse_duration(format_duration(d)).value(), d) << format_duration(d);
  }
  EXPECT_EQ(format_duration(90min), "1h30m");
}

}  // namespace
}  // namespace berth
