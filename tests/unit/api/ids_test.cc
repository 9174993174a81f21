#include "berth/api/ids.h"

#include <gtest/gtest.h>

namespace berth::api {
namespace {

TEST(CheckId, AcceptsLowerCaseDigitsAndDashes) {
  EXPECT_TRUE(check_id("a", "id"));
  EXPECT_TRUE(check_id("-0-z", "id"));
  EXPECT_TRUE(check_id(std::string(63, 'x'), "id"));
}

TEST(CheckId, RefusesWhatCouldLeaveAFolderAndNamesTheField) {
  for (const char* bad : {"", ".", "..", "a/b", "A", "a_b", "a b", "\xc3\xa4"}) {
    const auto r = check_id(bad, "activityId");
    ASSERT_FALSE(r) << bad;
    EXPECT_EQ(r.error().field, "activityId");
  }
}

TEST(CheckId, DoesNotRepeatAnOverlongId) {
  const auto r = check_id(std::string(64, 'x'), "id");
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().message,
            "must be 1 to 63 characters of a-z, 0-9 and '-', is 64 characters long");
}

}  // namespace
}  // namespace berth::api
