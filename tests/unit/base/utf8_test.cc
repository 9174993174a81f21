#include "berth/base/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace berth {
namespace {

TEST(Utf8, ReadsCharactersOfEachLength) {
  EXPECT_EQ(first_utf8("a").code, U'a');
  EXPECT_EQ(first_utf8("\xC3\xA4rger").code, 0xE4U);
  EXPECT_EQ(first_utf8("\xE4\xB8\x96").code, 0x4E16U);
  EXPECT_EQ(first_utf8("\xF0\x9F\x9A\xA2").code, 0x1F6A2U);
  EXPECT_EQ(first_utf8("\xF0\x9F\x9A\xA2").length, 4U);
  EXPECT_EQ(first_utf8(std::string_view("\0", 1)).length, 1U);
  EXPECT_EQ(first_utf8("").length, 0U);
}

TEST(Utf8, TheLimitsOfEachLengthAreValid) {
  for (const char* text :
       {"\x7F", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
        "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_TRUE(is_utf8(text));
  }
}

TEST(Utf8, TheFirstCharactersAreWhole) {
  const std::string_view text = "a\u00e9\u20ac";  // One, two and three bytes.
  EXPECT_EQ(first_characters(text, 0), "");
  EXPECT_EQ(first_characters(text, 1), "a");
  EXPECT_EQ(first_characters(text, 2), "a");
  EXPECT_EQ(first_characters(text, 3), "a\u00e9");
  EXPECT_EQ(first_characters(text, 5), "a\u00e9");
  EXPECT_EQ(first_characters(text, 6), text);
  EXPECT_EQ(first_characters(text, 100), text);
}

TEST(Utf8, RefusesOverlongCutAndImpossibleForms) {
  for (const char* text :
       {"\x80", "\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF",
        "\xF4\x90\x80\x80", "\xF8\x88\x80\x80\x80", "\xFF", "\xE4\xB8", "\xE4\xB8x", "ok\xC3"}) {
    EXPECT_FALSE(is_utf8(text)) << text;
  }
}

}  // namespace
}  // namespace berth
