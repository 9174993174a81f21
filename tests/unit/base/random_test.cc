#include "berth/base/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace berth {
namespace {

constexpr std::string_view kAlphabet = "abcdefghijklmnopqrstuvwxyz0123456789";

/// Gives the bytes 0, 1, 2 ... 255, 0 ... and counts how often it was asked.
class CountingRandom final : public Random {
 public:
  void fill(std::span<std::uint8_t> out) override {
    ++asked;
    std::generate(out.begin(), out.end(), [this] { return next_++; });
  }
  int asked = 0;

 private:
  std::uint8_t next_ = 0;
};

TEST(RandomName, HasTheAskedLengthAndOnlySmallLettersAndDigits) {
  SystemRandom random;
  for (const std::size_t length : {0u, 1u, 20u, 63u, 64u, 65u, 1000u}) {
    const std::string name = random.name(length);
    EXPECT_EQ(name.size(), length);
    EXPECT_EQ(name.find_first_not_of(kAlphabet), std::string::npos);
  }
  EXPECT_NE(random.name(20), random.name(20));
}

TEST(RandomName, TakesEachCharacterFromEquallyManyBytes) {
  CountingRandom random;
  std::map<char, int> times;
  for (const char c : random.name(252)) {
    ++times[c];
  }
  EXPECT_EQ(times.size(), kAlphabet.size());
  for (const auto& [c, count] : times) {
    EXPECT_EQ(count, 7) << c;
  }
}

TEST(RandomName, AsksTheSystemOnceForAUsualName) {
  CountingRandom random;
  (void)random.name(20);
  EXPECT_EQ(random.asked, 1);
}

}  // namespace
}  // namespace berth
