#include <gtest/gtest.h>

#include <random>

#include "berth/api/session_pool.h"

namespace berth::api {
namespace {

void expect_round_trip(const Json& value) {
  const std::string yaml = json_to_yaml(value);
  const auto back = yaml_to_json(yaml, "f");
  ASSERT_TRUE(back) << back.error().text() << "\n" << yaml;
  EXPECT_EQ(*back, value) << yaml;
  EXPECT_EQ(dump_json(*back), dump_json(value)) << yaml;  // Types too: 1 is not 1.0.
}

TEST(JsonToYaml, WritesInTheStyleOfKubectl) {
  EXPECT_EQ(json_to_yaml({{"kind", "SessionPool"},
                          {"spec",
                           {{"args", {"-c", "a b", "1"}},
                            {"list", {{{"name", "x"}, {"n", 1}}, {{"name", "y"}}}},
                            {"none", Json::object()},
                            {"empty", Json::array()},
                            {"nested", {{1, 2}, Json::array()}},
                            {"timeout", "1h30m"},
                            {"url", "http://localhost:80/x"}}}}),
            "kind: SessionPool\n"
            "spec:\n"
            "  args:\n"
            "  - \"-c\"\n"
            "  - a b\n"
            "  - \"1\"\n"
            "  empty: []\n"
            "  list:\n"
            "  - \"n\": 1\n"
            "    name: x\n"
            "  - name: \"y\"\n"
            "  nested:\n"
            "  - - 1\n"
            "    - 2\n"
            "  - []\n"
            "  none: {}\n"
            "  timeout: 1h30m\n"
            "  url: http://localhost:80/x\n");
}

TEST(JsonToYaml, QuotesWhatAReaderCouldTakeForSomethingElse) {
  for (const char* text : {"true",
                           "No",
                           "on",
                           "y",
                           "null",
                           "~",
                           "",
                           "1",
                           "-1",
                           "+1",
                           "0x1F",
                           "0o7",
                           "1.5",
                           ".5",
                           "1e3",
                           "1_000",
                           "12:30",
                           "2026-01-01",
                           ".inf",
                           ".NaN",
                           "<<",
                           "=",
                           "-",
                           "- a",
                           "? a",
                           "a: b",
                           "a:",
                           "a #b",
                           "#a",
                           "&a",
                           "*a",
                           "!a",
                           "|",
                           ">",
                           "%a",
                           "@a",
                           "`a",
                           "'a'",
                           "\"a\"",
                           "{a}",
                           "[a]",
                           "a\n",
                           "\ta",
                           " a",
                           "a ",
                           "a\\b",
                           "---",
                           "...",
                           "a, b]",
                           "\x04",
                           "\x7f",
                           "\xc2\x85",
                           "\xe2\x80\xa8",
                           "\xef\xbb\xbf",
                           "\xf0\x9f\x98\x80",
                           "0777",
                           "0b1",
                           "1s",
                           "20s",
                           "1h30m",
                           "1m.",
                           "3:a",
                           "a\r\nb",
                           "a\x1b[0m"}) {
    expect_round_trip(text);
    expect_round_trip({{text, text}});
    expect_round_trip(Json::array({text, {{"k", text}}}));
  }
  EXPECT_EQ(json_to_yaml("yes"), "\"yes\"\n");
  EXPECT_EQ(json_to_yaml("12:30"), "\"12:30\"\n");
}

TEST(JsonToYaml, KeepsNumbersExactly) {
  for (const Json& number :
       {Json(0), Json(-1), Json(INT64_MIN), Json(INT64_MAX), Json(UINT64_MAX), Json(1.0),
        Json(-0.0), Json(0.1), Json(1e300), Json(5e-324), Json(1e20), Json(123456789.125)}) {
    expect_round_trip(number);
    expect_round_trip({{"n", number}});
  }
}

TEST(JsonToYaml, WritesKeysThatAreTooLongForOneLine) {
  const std::string key(5000, 'k');
  expect_round_trip({{key, 1}});
  expect_round_trip({{"a", {{key, {{"b", {1, 2}}}}, {"z", 1}}}});
  expect_round_trip({{key, {1, {{"x", 2}}}}, {key + "2", Json::array()}});
}

TEST(JsonToYaml, ReplacesInvalidUtf8) {
  EXPECT_EQ(json_to_yaml("a\xff"), "\"a\xef\xbf\xbd\"\n");
}

// Values made to hit the corners: few characters, most of them special somewhere in YAML.
class Maker {
 public:
  explicit Maker(unsigned seed) : random_(seed) {}

  Json value(int depth) {
    switch (below(depth > 0 ? 8 : 6)) {
      case 0:
        return nullptr;
      case 1:
        return below(2) == 0;
      case 2:
        return static_cast<std::int64_t>(random_());
      case 3:
        return static_cast<double>(static_cast<std::int64_t>(random_())) / 1024.0;
      case 4:
      case 5:
        return text();
      case 6: {
        Json out = Json::array();
        for (auto n = below(4); n > 0; --n) {
          out.push_back(value(depth - 1));
        }
        return out;
      }
      default: {
        Json out = Json::object();
        for (auto n = below(4); n > 0; --n) {
          out[text()] = value(depth - 1);
        }
        return out;
      }
    }
  }

 private:
  std::uint64_t below(std::uint64_t n) { return random_() % n; }
  std::string text() {
    static constexpr std::string_view kParts[] = {"a",
                                                  "Z",
                                                  "0",
                                                  "9",
                                                  " ",
                                                  ":",
                                                  "#",
                                                  "-",
                                                  "?",
                                                  ",",
                                                  "[",
                                                  "]",
                                                  "{",
                                                  "}",
                                                  "&",
                                                  "*",
                                                  "!",
                                                  "|",
                                                  ">",
                                                  "'",
                                                  "\"",
                                                  "%",
                                                  "@",
                                                  "`",
                                                  "\\",
                                                  "\n",
                                                  "\t",
                                                  "\r",
                                                  ".",
                                                  "_",
                                                  "=",
                                                  "<<",
                                                  "~",
                                                  "null",
                                                  "true",
                                                  "no",
                                                  "e",
                                                  "x",
                                                  "/",
                                                  "\x01",
                                                  "\xc3\xa9",
                                                  "\xe2\x80\xa9",
                                                  "\xf0\x9f\x98\x80",
                                                  "  "};
    std::string out;
    for (auto n = below(7); n > 0; --n) {
      out += kParts[below(std::size(kParts))];
    }
    return out;
  }
  std::mt19937_64 random_;
};

TEST(JsonToYaml, ReadsBackToTheSameValueWhateverItIs) {
  for (unsigned seed = 0; seed < 3000; ++seed) {
    SCOPED_TRACE(seed);
    expect_round_trip(Maker(seed).value(4));
    if (HasFailure()) {
      break;
    }
  }
}

}  // namespace
}  // namespace berth::api
