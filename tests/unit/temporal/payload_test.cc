#include "temporal/rpc/payload.h"

#include <gtest/gtest.h>

namespace berth::temporal {
namespace {

Payload payload(std::string encoding, std::string data) {
  return {{{"encoding", std::move(encoding)}}, std::move(data)};
}

TEST(PayloadTest, JsonComesBackAsItWent) {
  const Json value = {{"path", "/data/a"}, {"n", 3}};
  const Payload there = to_payload(value);
  EXPECT_EQ(there.metadata.at("encoding"), "json/plain");
  EXPECT_EQ(from_payload(there, "argument").value(), value);
}

TEST(PayloadTest, ReadsWhatTheDefaultConvertersWriteAsJson) {
  EXPECT_EQ(from_payload(payload("json/protobuf", R"({"a":1})"), "x").value(), Json({{"a", 1}}));
  EXPECT_EQ(from_payload(payload("binary/null", ""), "x").value(), Json());
}

TEST(PayloadTest, NamesAnEncodingThatOnlyTheWorkflowKnows) {
  const auto refused = from_payload(payload("binary/encrypted", "x"), "argument 2");
  ASSERT_FALSE(refused);
  EXPECT_EQ(
      refused.error().text(),
      "InvalidArgument: argument 2: has the encoding 'binary/encrypted'; sessions on Berth take "
      "JSON (json/plain, json/protobuf), without a codec");
  EXPECT_FALSE(from_payload({}, "x"));
  EXPECT_FALSE(from_payload(payload("json/plain", "{"), "x"));
}

TEST(PayloadTest, ArgumentsBecomeOneValue) {
  EXPECT_EQ(arguments({}).value(), Json());
  EXPECT_EQ(arguments({to_payload("one")}).value(), Json("one"));
  EXPECT_EQ(arguments({to_payload("one"), to_payload(2)}).value(), Json({"one", 2}));
  const auto refused = arguments({to_payload(1), payload("binary/plain", "x")});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().field, "argument 2");
}

}  // namespace
}  // namespace berth::temporal
