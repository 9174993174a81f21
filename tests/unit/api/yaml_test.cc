#include <gtest/gtest.h>

#include "berth/api/session_pool.h"

namespace berth::api {
namespace {

Json value_of(const std::string& text) {
  const auto r = yaml_to_json(text, "f");
  EXPECT_TRUE(r) << text << "\n" << (r ? "" : r.error().text());
  return r ? *r : Json("failed");
}

std::string yaml_error(std::string_view text) {
  const auto r = yaml_to_json(text, "f");
  return r ? "" : r.error().message;
}

struct Typed {
  const char* yaml;
  Json json;
};

TEST(YamlToJson, TypesPlainScalarsByTheCoreSchema) {
  const std::vector<Typed> table = {
      {"~", nullptr},
      {"null", nullptr},
      {"Null", nullptr},
      {"nUll", "nUll"},
      {"", nullptr},
      {"true", true},
      {"FALSE", false},
      {"tRue", "tRue"},
      {"yes", "yes"},
      {"on", "on"},
      {"0", 0},
      {"-12", -12},
      {"+12", 12},
      {"007", 7},
      {"0o17", 15},
      {"0x1F", 31},
      {"0x", "0x"},
      {"-0x1F", "-0x1F"},
      {"9223372036854775807", INT64_MAX},
      {"-9223372036854775808", INT64_MIN},
      {"18446744073709551615", UINT64_MAX},
      {"1.5", 1.5},
      {".5", 0.5},
      {"1.", 1.0},
      {"1e3", 1000.0},
      {"-1.5E-3", -0.0015},
      {"+.5", 0.5},
      {".", "."},
      {"-", nullptr},
      {"1e", "1e"},
      {"1_000", "1_000"},
      {"12:30", "12:30"},
      {"20s", "20s"},
      {"25%", "25%"},
      {"2026-01-01", "2026-01-01"},
      {"hello world", "hello world"},
      {"+-1", "+-1"},
  };
  for (const Typed& t : table) {
    if (std::string(t.yaml) == "-") {  // A list with one empty element, by the rules of YAML.
      EXPECT_EQ(value_of("-"), Json::array({nullptr}));
      continue;
    }
    EXPECT_EQ(value_of(std::string("k: ") + t.yaml)["k"], t.json) << t.yaml;
    EXPECT_EQ(value_of(std::string("k: ") + t.yaml)["k"].is_string(), t.json.is_string()) << t.yaml;
  }
}

TEST(YamlToJson, TakesQuotedAndBlockScalarsForText) {
  EXPECT_EQ(value_of("[\"1\", 'true', \"\", '~']"), (Json{"1", "true", "", "~"}));
  EXPECT_EQ(value_of("k: |\n  1\n")["k"], "1\n");
  EXPECT_EQ(value_of("k: >-\n  12\n")["k"], "12");
}

TEST(YamlToJson, FollowsTheTagsThatJsonKnows) {
  EXPECT_EQ(value_of("[!!str 1, !!int 2, !!float 1.5, !!null ~, !!bool true, ! 5]"),
            (Json{"1", 2, 1.5, nullptr, true, "5"}));
  EXPECT_EQ(value_of("!!map {a: !!seq []}"), (Json{{"a", Json::array()}}));
  EXPECT_EQ(yaml_error("a: !!int x"), "f:1:4: this is no value for the tag !!int");
  EXPECT_EQ(yaml_error("a: !!binary aGk="), "f:1:4: this is no value for the tag !!binary");
  EXPECT_EQ(yaml_error("a: !secret x"), "f:1:4: the tag !secret is not known here; leave it out");
  EXPECT_EQ(yaml_error("a: !set {}"), "f:1:4: the tag !set is not known here; leave it out");
}

TEST(YamlToJson, RefusesNumbersThatJsonCannotCarry) {
  EXPECT_EQ(yaml_error("a: .inf"),
            "f:1:4: .inf is a number that JSON cannot carry; quote it if it is meant as text");
  EXPECT_NE(yaml_error("a: -.INF"), "");
  EXPECT_NE(yaml_error("a: .NaN"), "");
  EXPECT_EQ(yaml_error("a: 18446744073709551616"),
            "f:1:4: the number 18446744073709551616 is too big; quote it if it is meant as text");
  EXPECT_NE(yaml_error("a: 1e999"), "");
}

TEST(YamlToJson, TakesKeysAsTheirText) {
  EXPECT_EQ(value_of("1: a\ntrue: b\n'': c\n? long\n: d"),
            (Json{{"1", "a"}, {"true", "b"}, {"", "c"}, {"long", "d"}}));
  EXPECT_EQ(yaml_error("? [a]\n: b"), "f:1:3: a key must be text, not a list or map");
  EXPECT_EQ(yaml_error("{: b}"), "f:1:2: a key is missing here");
}

TEST(YamlToJson, RefusesDuplicateKeysAlsoWhenWrittenDifferently) {
  EXPECT_EQ(yaml_error("a: 1\nb: 2\n'a': 3"),
            "f:3:1: the key 'a' is already used above in this map");
  EXPECT_EQ(yaml_error("x: {a: 1, a: 1}"), "f:1:11: the key 'a' is already used above in this map");
}

TEST(YamlToJson, ExpandsAliases) {
  EXPECT_EQ(value_of("a: &x {n: 1}\nb: *x\nc: [*x, *x]\n&k d: &s text\ne: *s"),
            (Json{{"a", {{"n", 1}}},
                  {"b", {{"n", 1}}},
                  {"c", {{{"n", 1}}, {{"n", 1}}}},
                  {"d", "text"},
                  {"e", "text"}}));
}

TEST(YamlToJson, RefusesAliasesThatCannotBeExpanded) {
  EXPECT_EQ(yaml_error("&a [*a]"), "f:1:5: this alias refers to a value that contains it");
  EXPECT_EQ(yaml_error("- *nope"), "f:1:3: not valid YAML: the referenced anchor is not defined");
  EXPECT_EQ(yaml_error("&a k: 1\n*a : 2"), "f:2:1: an alias cannot be a key; write the key out");
  EXPECT_EQ(yaml_error("a: &a {x: 1}\nb:\n  <<: *a"),
            "f:3:3: merge keys (<<) are not part of YAML 1.2; write the fields out");
}

TEST(YamlToJson, BoundsTheExpansionOfAliases) {
  std::string lol = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    lol += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
    for (int j = 0; j < 8; ++j) {
      lol += ", " + before;
    }
    lol += "]\n";
  }
  EXPECT_NE(yaml_error(lol).find("more than 100000 values"), std::string::npos) << yaml_error(lol);

  std::string wide = "- &big " + std::string(500'000, 'x') + "\n";
  for (int i = 0; i < 100; ++i) {
    wide += "- *big\n";
  }
  EXPECT_NE(yaml_error(wide).find("8 MiB of text"), std::string::npos);
}

TEST(YamlToJson, BoundsDepthCountAndSize) {
  EXPECT_EQ(yaml_error(std::string(64, '[') + std::string(64, ']')), "");
  EXPECT_EQ(yaml_error(std::string(65, '[') + std::string(65, ']')),
            "f:1:65: nested deeper than 64");
  EXPECT_NE(yaml_error(std::string(500'000, '[')), "");
  std::string dashes;
  for (int i = 0; i < 200'000; ++i) {
    dashes += "- ";
  }
  EXPECT_EQ(yaml_error(dashes), "f:1:129: nested deeper than 64");
  std::string many = "[";
  for (int i = 0; i < 100'000; ++i) {
    many += "1,";
  }
  EXPECT_NE(yaml_error(many + "]").find("too much for one file"), std::string::npos);
  EXPECT_EQ(yaml_error(std::string((1 << 20) + 1, ' ')), "f:1:1: the file is larger than 1 MiB");
  std::string documents;
  for (int i = 0; i < 100'000; ++i) {
    documents += "---\n";
  }
  EXPECT_EQ(yaml_error(documents), "f:1001:1: more than 1000 documents");
}

TEST(YamlToJson, RefusesTextBehindACompleteDocument) {
  // yaml-cpp reports an endless row of empty documents for the first two.
  EXPECT_EQ(yaml_error("[],[]"),
            "f:1:3: this text follows a complete document; begin another one with '---'");
  EXPECT_NE(yaml_error(",a"), "");
  EXPECT_NE(yaml_error("{} x"), "");
  EXPECT_EQ(yaml_error("a: 1\n---\nb: 2"), "f:3:1: only one document is wanted here");
  EXPECT_EQ(yaml_error("%YAML 1.2\n---\na: 1\n...\n# end\n"), "");
}

TEST(YamlToJson, RefusesBytesThatWouldCutTheTextShort) {
  EXPECT_EQ(yaml_error(std::string_view("a: 1\n\x04\nb: 2")),
            "f:2:1: a control character cannot stand here; write it as an escape in double quotes");
  EXPECT_NE(yaml_error(std::string_view("\0a\0:", 4)), "");
  EXPECT_EQ(yaml_error("a: \xff"), "f:1:4: this is not valid UTF-8");
  EXPECT_EQ(yaml_error("a: \xc0\xaf"), "f:1:4: this is not valid UTF-8");
  EXPECT_EQ(yaml_error("a: \xed\xa0\x80"), "f:1:4: this is not valid UTF-8");
  EXPECT_EQ(yaml_error("a: \xe2\x82"), "f:1:4: this is not valid UTF-8");
  EXPECT_EQ(value_of("\xef\xbb\xbf"
                     "a: \xc3\xa4\xf0\x9f\x98\x80")["a"],
            "\xc3\xa4\xf0\x9f\x98\x80");
}

TEST(YamlToJson, TakesNothingForNull) {
  EXPECT_TRUE(value_of("").is_null());
  EXPECT_TRUE(value_of("# comment\n").is_null());
}

TEST(YamlToJson, ReadsWindowsLineEndings) {
  EXPECT_EQ(value_of("a: 1\r\nb:\r\n- x\r\n"), (Json{{"a", 1}, {"b", {"x"}}}));
}

}  // namespace
}  // namespace berth::api
