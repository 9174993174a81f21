#include "tests/integration/openapi/schema_checker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace berth::openapi {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class SchemaCheckerTest : public ::testing::Test {
 protected:
  std::vector<std::string> check(const char* value, const char* schema) const {
    return checker_.check(Json::parse(value), Json::parse(schema));
  }
  bool fits(const char* value, const char* schema) const { return check(value, schema).empty(); }

  Json document_ = Json::parse(R"({"components": {"schemas": {
    "Name": {"type": "string", "pattern": "^[a-z]+$"},
    "Alias": {"$ref": "#/components/schemas/Name"},
    "Loop": {"$ref": "#/components/schemas/Loop"}}}})");
  SchemaChecker checker_{document_};
};

TEST_F(SchemaCheckerTest, TypesAreTold) {
  EXPECT_TRUE(fits("1", R"({"type": "integer"})"));
  EXPECT_TRUE(fits("1.0", R"({"type": "integer"})"));
  EXPECT_FALSE(fits("1.5", R"({"type": "integer"})"));
  EXPECT_TRUE(fits("1.5", R"({"type": "number"})"));
  EXPECT_FALSE(fits("\"1\"", R"({"type": "number"})"));
  EXPECT_FALSE(fits("[]", R"({"type": "object"})"));
  EXPECT_FALSE(fits("{}", R"({"type": "array"})"));
  EXPECT_FALSE(fits("0", R"({"type": "boolean"})"));
  EXPECT_FALSE(fits("null", R"({"type": "string"})"));
  EXPECT_TRUE(fits("null", R"({"type": ["string", "null"]})"));
  EXPECT_FALSE(fits("7", R"({"type": ["string", "null"]})"));
}

TEST_F(SchemaCheckerTest, ValuesKeepToTheirBounds) {
  EXPECT_TRUE(fits("0", R"({"minimum": 0, "maximum": 2})"));
  EXPECT_FALSE(fits("-1", R"({"minimum": 0})"));
  EXPECT_FALSE(fits("2.5", R"({"maximum": 2})"));
  EXPECT_FALSE(fits("\"abc\"", R"({"maxLength": 2})"));
  EXPECT_FALSE(fits("[1, 2]", R"({"maxItems": 1})"));
  EXPECT_FALSE(fits(R"({"a": 1, "b": 2})", R"({"maxProperties": 1})"));
  EXPECT_TRUE(fits("\"b\"", R"({"enum": ["a", "b"]})"));
  EXPECT_FALSE(fits("\"c\"", R"({"enum": ["a", "b"]})"));
  EXPECT_FALSE(fits("\"aXc\"", R"({"pattern": "^[a-z]*$"})"));
}

TEST_F(SchemaCheckerTest, AProblemNamesItsPlace) {
  EXPECT_THAT(check(R"({"list": [{"n": 1}, {"n": "x"}]})",
                    R"({"properties": {"list": {"items": {"properties": {
                        "n": {"type": "integer"}}}}}})"),
              ElementsAre(HasSubstr("body.list[1].n: is \"x\"")));
}

TEST_F(SchemaCheckerTest, MissingAndUnknownMembersAreTold) {
  const char* schema = R"({"type": "object", "required": ["a"], "additionalProperties": false,
                           "properties": {"a": {}, "b": {"type": "string"}}})";
  EXPECT_TRUE(fits(R"({"a": null})", schema));
  EXPECT_THAT(check(R"({"b": "x"})", schema), ElementsAre("body: lacks a"));
  EXPECT_THAT(check(R"({"a": 1, "c": 1})", schema), ElementsAre("body.c: is not in the schema"));
}

TEST_F(SchemaCheckerTest, OtherMembersAndNamesHaveSchemasToo) {
  const char* schema = R"({"additionalProperties": {"type": "integer"},
                           "propertyNames": {"pattern": "^[a-z]+$"}})";
  EXPECT_TRUE(fits(R"({"gpu": 1})", schema));
  EXPECT_FALSE(fits(R"({"gpu": "1"})", schema));
  EXPECT_FALSE(fits(R"({"GPU": 1})", schema));
}

TEST_F(SchemaCheckerTest, ReferencesAreFollowedAndDeadOnesAreProblems) {
  EXPECT_TRUE(fits("\"x\"", R"({"$ref": "#/components/schemas/Alias"})"));
  EXPECT_FALSE(fits("\"X\"", R"({"$ref": "#/components/schemas/Alias"})"));
  for (const char* dead :
       {R"({"$ref": "#/components/schemas/None"})", R"({"$ref": "#/components/schemas/Loop"})",
        R"({"$ref": "other.yaml#/Name"})"}) {
    EXPECT_THAT(check("\"x\"", dead), ElementsAre(HasSubstr("leads nowhere"))) << dead;
  }
}

TEST_F(SchemaCheckerTest, AllOfNeedsAllAndOneOfExactlyOne) {
  const char* all = R"({"allOf": [{"type": "integer"}, {"minimum": 3}]})";
  EXPECT_TRUE(fits("3", all));
  EXPECT_FALSE(fits("2", all));
  const char* one = R"({"oneOf": [{"type": "integer"}, {"minimum": 3}]})";
  EXPECT_TRUE(fits("2", one));
  EXPECT_FALSE(fits("3", one)) << "fits both";
  EXPECT_FALSE(fits("2.5", one)) << "fits none";
}

TEST_F(SchemaCheckerTest, AKeywordThatItDoesNotKnowIsAProblem) {
  EXPECT_THAT(check("1", R"({"multipleOf": 1})"), ElementsAre(HasSubstr("multipleOf")));
  EXPECT_THAT(check("1", R"({"description": "x", "examples": [1], "default": 1})"), IsEmpty());
}

}  // namespace
}  // namespace berth::openapi
