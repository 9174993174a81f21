#include "cli/text/table.h"

#include <gtest/gtest.h>

#include "cli/text/width.h"

namespace berth::cli {
namespace {

TEST(TableTest, ColumnsAreAlignedWithoutSpacesAtTheEnd) {
  Table t({"NAME", "N", "NOTE"});
  t.add({"a", "10", ""});
  t.add({"longer", "2", "x"});
  t.add({"short"});
  EXPECT_EQ(t.text(),
            "NAME    N   NOTE\n"
            "a       10\n"
            "longer  2   x\n"
            "short\n");
}

TEST(TableTest, WideAndCombiningCharactersKeepTheColumns) {
  Table t({"NAME", "N"});
  t.add({"世界", "1"});
  t.add({"e\xCC\x81t\xCC\x81", "2"});
  t.add({"Grüße", "3"});
  EXPECT_EQ(t.text(),
            "NAME   N\n"
            "世界   1\n"
            "e\xCC\x81t\xCC\x81     2\n"
            "Grüße  3\n");
}

TEST(TableTest, CellsCannotPlayWithTheTerminal) {
  Table t({"X"});
  t.add({"\x1b[31mred"});
  EXPECT_EQ(t.text(), "X\n?[31mred\n");
}

TEST(Printable, ReplacesControlsTurnsOfDirectionAndWhatIsNoUtf8) {
  EXPECT_EQ(printable("plain, grün, 世界"), "plain, grün, 世界");
  EXPECT_EQ(printable("a\n\t\x7F"), "a???");
  EXPECT_EQ(printable("\xC2\x9B"
                      "31m"),
            "?31m")
      << "the one-character CSI";
  EXPECT_EQ(printable("\xE2\x80\xAEgnp"), "?gnp") << "right-to-left override";
  EXPECT_EQ(printable("\xFF\xC3"), "??");
}

TEST(DisplayWidth, CountsColumns) {
  EXPECT_EQ(display_width(""), 0U);
  EXPECT_EQ(display_width("abc"), 3U);
  EXPECT_EQ(display_width("é"), 1U);
  EXPECT_EQ(display_width("世"), 2U);
  EXPECT_EQ(display_width("\xEF\xBC\xA1"), 2U) << "fullwidth A";
  EXPECT_EQ(display_width("🚢"), 2U);
  EXPECT_EQ(display_width("\xE2\x80\x8B"), 0U) << "zero width space";
}

TEST(ShortAge, UsesTheUnitThatFits) {
  EXPECT_EQ(short_age(-1), "0s");
  EXPECT_EQ(short_age(0.9), "0s");
  EXPECT_EQ(short_age(119), "119s");
  EXPECT_EQ(short_age(120), "2m");
  EXPECT_EQ(short_age(7199), "119m");
  EXPECT_EQ(short_age(7200), "2h");
  EXPECT_EQ(short_age(2 * 86400.0), "2d");
}

}  // namespace
}  // namespace berth::cli
