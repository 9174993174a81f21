#include <gtest/gtest.h>

#include "berth/http/server.h"

namespace berth::http {
namespace {

std::string param(const Router::Match& match, std::string_view name) {
  for (const auto& [key, value] : match.params) {
    if (key == name) {
      return value;
    }
  }
  return "(none)";
}

class RouterTest : public testing::Test {
 protected:
  void add(std::string method, std::string_view pattern, BodyRule rule = {}) {
    router_.add(
        std::move(method), pattern, [](const auto&) {}, rule);
  }
  Router router_;
};

TEST_F(RouterTest, MatchesLiteralsAndNamedSegments) {
  add("GET", "/v1/sessions/{id}/activities/{activity}");
  const auto match = router_.match("GET", "/v1/sessions/a1/activities/b2?wait=25");
  ASSERT_NE(match.handler, nullptr);
  EXPECT_EQ(param(match, "id"), "a1");
  EXPECT_EQ(param(match, "activity"), "b2");
}

TEST_F(RouterTest, ARestSegmentTakesSlashesToo) {
  add("PUT", "/files/{path...}");
  EXPECT_EQ(param(router_.match("PUT", "/files/a/b/c.txt"), "path"), "a/b/c.txt");
  EXPECT_EQ(param(router_.match("PUT", "/files/"), "path"), "");
  EXPECT_EQ(router_.match("PUT", "/files").status, 404);
}

TEST_F(RouterTest, DecodesParametersAfterSplitting) {
  add("GET", "/x/{name}");
  add("GET", "/f/{path...}");
  EXPECT_EQ(param(router_.match("GET", "/x/a%2Fb%20c"), "name"), "a/b c");
  EXPECT_EQ(param(router_.match("GET", "/f/a%2Fb/c"), "path"), "a/b/c");
}

TEST_F(RouterTest, ALiteralMatchesItsEscapedForm) {
  add("GET", "/v1/slots");
  EXPECT_NE(router_.match("GET", "/v1/%73lots").handler, nullptr);
}

TEST_F(RouterTest, ABadEscapeIsABadRequest) {
  add("GET", "/x/{name}");
  EXPECT_EQ(router_.match("GET", "/x/%zz").status, 400);
  EXPECT_EQ(router_.match("GET", "/x/%2").status, 400);
}

TEST_F(RouterTest, AnEmptySegmentIsNoName) {
  add("GET", "/x/{name}");
  EXPECT_EQ(router_.match("GET", "/x/").status, 404);
  EXPECT_EQ(router_.match("GET", "/x//").status, 404);
}

TEST_F(RouterTest, TellsWhichMethodsAreAllowed) {
  add("GET", "/x");
  add("POST", "/x");
  const auto match = router_.match("DELETE", "/x");
  EXPECT_EQ(match.handler, nullptr);
  EXPECT_EQ(match.status, 405);
  EXPECT_EQ(match.allow, "GET, HEAD, POST");
}

TEST_F(RouterTest, HeadIsServedByGet) {
  add("GET", "/x");
  EXPECT_NE(router_.match("HEAD", "/x").handler, nullptr);
}

TEST_F(RouterTest, TheMostSpecificPatternWinsWhateverTheOrder) {
  add("GET", "/s/{rest...}");
  add("GET", "/s/{id}");
  add("GET", "/s/demand");
  EXPECT_EQ(router_.pattern_of("GET", "/s/demand"), "/s/demand");
  EXPECT_EQ(router_.pattern_of("GET", "/s/other"), "/s/{id}");
  EXPECT_EQ(router_.pattern_of("GET", "/s/a/b"), "/s/{rest...}");
}

TEST_F(RouterTest, AMoreGeneralPatternServesAMethodThatTheSpecificOneLacks) {
  add("GET", "/s/demand");
  add("POST", "/s/{id}");
  EXPECT_EQ(router_.pattern_of("POST", "/s/demand"), "/s/{id}");
}

TEST_F(RouterTest, HasNoPatternForWhatItDoesNotServe) {
  add("GET", "/x");
  EXPECT_EQ(router_.pattern_of("GET", "/y"), "");
  EXPECT_EQ(router_.pattern_of("POST", "/x"), "");
  EXPECT_EQ(router_.pattern_of("GET", "x"), "");
}

TEST_F(RouterTest, GivesTheBodyRuleOfTheRoute) {
  add("PUT", "/big", BodyRule{.max_bytes = 77, .stream = true});
  const auto match = router_.match("PUT", "/big");
  EXPECT_EQ(match.body.max_bytes, 77u);
  EXPECT_TRUE(match.body.stream);
}

TEST_F(RouterTest, APathDeeperThanAnyPatternIsNotFound) {
  add("GET", "/x/{rest...}");
  add("GET", "/{a}");
  std::string deep;
  for (int i = 0; i < 200; ++i) {
    deep += "/x";
  }
  EXPECT_EQ(param(router_.match("GET", deep), "rest"), deep.substr(3));
  EXPECT_EQ(router_.match("GET", "/y" + deep).status, 404);
}

}  // namespace
}  // namespace berth::http
