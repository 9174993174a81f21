#include "berth/base/json.h"

#include "berth/base/clock.h"

#include <gtest/gtest.h>

namespace berth {
namespace {

TEST(ParseJson, ReportsWhereItFailed) {
  EXPECT_NE(parse_json("{\"a\": tru}").error().message.find("byte"), std::string::npos);
  EXPECT_FALSE(parse_json(""));
  EXPECT_FALSE(parse_json("{} x"));
}

TEST(ParseJson, RefusesDeepNestingInsteadOfUsingTheStack) {
  EXPECT_TRUE(parse_json(std::string(60, '[') + std::string(60, ']')));
  EXPECT_NE(parse_json(std::string(100'000, '[')).error().message.find("deeper"),
            std::string::npos);
}

TEST(DumpJson, ReplacesInvalidUtf8) {
  EXPECT_EQ(dump_json(Json("a\xff")), "\"a\xef\xbf\xbd\"");
}

TEST(CheckText, NamesWhatIsNotUtf8) {
  EXPECT_TRUE(check_text({{"a", {1, "x\xc3\xa9", nullptr}}, {"b", true}}, "input"));
  EXPECT_EQ(check_text("a\xff", "input").error().field, "input");
  EXPECT_EQ(check_text({{"argv", {"a", "b\xff"}}}, "input").error().field, "input.argv[1]");
  const auto key = check_text({{"env", {{"A\xff", "x"}}}}, "input").error();
  EXPECT_EQ(key.field, "input.env");
  EXPECT_TRUE(parse_json(dump_json(Json(key.text()))));
  Json deep = 1;
  for (int i = 0; i < 63; ++i) {
    deep = Json::array({deep});
  }
  EXPECT_TRUE(check_text(deep, "input"));
  EXPECT_TRUE(parse_json(dump_json(deep)));
  deep = Json::array({Json::array({deep})});
  EXPECT_FALSE(check_text(deep, "input"));
  EXPECT_FALSE(parse_json(dump_json(deep)));
}

TEST(Find, TreatsNullAsAbsent) {
  const Json j = {{"a", nullptr}, {"b", {{"c", "x"}}}};
  EXPECT_EQ(find(j, "a"), nullptr);
  EXPECT_EQ(string_at(j, {"b", "c"}), "x");
  EXPECT_EQ(string_at(j, {"b", "c", "d"}), "");
}

TEST(FieldReader, NamesTheWrongField) {
  const Json j = {{"max", "four"}};
  FieldReader r(j, "sessions");
  std::int64_t max = 7;
  r.required("max", max, 1, 10);
  EXPECT_EQ(r.finish().error().text(), "InvalidArgument: sessions.max: must be an integer");
  EXPECT_EQ(max, 7);
}

TEST(FieldReader, RefusesUnknownKeysAndNamesTheKnown) {
  const Json j = {{"maxx", 1}};
  FieldReader r(j, "");
  std::int64_t max = 0;
  r.optional("max", max, 0, 9);
  EXPECT_EQ(r.finish().error().text(),
            "InvalidArgument: maxx: is not a known field; known here: max");
}

TEST(FieldReader, ChecksRangesAlsoBeyondSigned64) {
  const Json j = {{"n", 18446744073709551615ull}};
  FieldReader r(j, "");
  std::int64_t n = 0;
  r.optional("n", n, -1, 10);
  EXPECT_FALSE(r.finish());
}

TEST(FieldReader, ReadsDurations) {
  const Json j = {{"t", "1m"}, {"u", "2h"}};
  FieldReader r(j, "");
  Duration t{};
  Duration u{};
  r.duration("t", t, std::chrono::seconds(1), std::chrono::hours(1));
  r.duration("u", u, std::chrono::seconds(1), std::chrono::hours(1));
  EXPECT_EQ(t, std::chrono::minutes(1));
  EXPECT_EQ(r.finish().error().message, "must be between 1s and 1h, is 2h");
}

}  // namespace
}  // namespace berth
