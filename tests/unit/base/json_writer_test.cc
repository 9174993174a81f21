#include "berth/base/json_writer.h"

#include <gtest/gtest.h>

#include "berth/base/json.h"

namespace berth {
namespace {

TEST(JsonWriter, WritesMembersInTheOrderOfTheCalls) {
  JsonWriter out;
  out.text("id", "s-1");
  out.begin("worker");
  out.text("name", "w-0");
  out.integer("port", 7600);
  out.end();
  out.integer("bytes", -5);
  EXPECT_EQ(std::move(out).finish(),
            R"({"id":"s-1","worker":{"name":"w-0","port":7600},"bytes":-5})");
}

TEST(JsonWriter, WritesEmptyObjects) {
  EXPECT_EQ(JsonWriter().finish(), "{}");
  JsonWriter out;
  out.begin("none");
  out.end();
  out.integer("one", 1);
  EXPECT_EQ(std::move(out).finish(), R"({"none":{},"one":1})");
}

TEST(JsonWriter, EscapesKeysAndTextAsDumpJsonDoes) {
  for (const std::string_view text : {"say \"hi\"", "back\\slash", "line\nend\ttab", "caf\xC3\xA9",
                                      "\x7F", "bad \xFF utf-8", "", "{"}) {
    JsonWriter out;
    out.text("value", text);
    EXPECT_EQ(std::move(out).finish(), dump_json({{"value", text}}));
    JsonWriter as_key;
    as_key.integer(text, 1);
    EXPECT_EQ(std::move(as_key).finish(), "{" + dump_json(Json(text)) + ":1}");
  }
}

TEST(JsonWriter, NumbersReadBackAsTheyWere) {
  for (const double value : {0.0, 1.0, 0.1, 119.999987, 1e-06, 316'224'000.123456}) {
    JsonWriter out;
    out.number("value", value);
    EXPECT_EQ(parse_json(std::move(out).finish()).value()["value"].get<double>(), value);
  }
}

}  // namespace
}  // namespace berth
