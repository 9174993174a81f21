#include "devcluster/apiserver/access_reviews.h"

#include "tests/unit/devcluster/apiserver/server_fixture.h"

namespace berth::devcluster {
namespace {

class AccessReviewsTest : public ServerTest {
 protected:
  AccessReviewsTest() {
    start();
    server->access_reviews().add({.token = "t-ann",
                                  .username = "ann",
                                  .uid = "u-1",
                                  .groups = {"people"},
                                  .audiences = {"berth"},
                                  .rules = {{.ns = "team", .name = "files", .verbs = {"create"}},
                                            {.ns = "team", .verbs = {"list"}}}});
  }
  Json who(const std::string& token, const Json& audiences) {
    Json spec = {{"token", token}};
    if (!audiences.is_null()) {
      spec["audiences"] = audiences;
    }
    const auto [status, body] =
        ask("POST", "/apis/authentication.k8s.io/v1/tokenreviews", {{"spec", spec}});
    EXPECT_EQ(status, 201);
    return body.at("status");
  }
  bool may(const std::string& user, const std::string& verb, const std::string& ns,
           const std::string& name, const std::string& subresource = "sessions") {
    Json attributes = {{"verb", verb},
                       {"group", "berth.dev"},
                       {"resource", "sessionpools"},
                       {"subresource", subresource},
                       {"namespace", ns},
                       {"name", name}};
    const auto [status, body] =
        ask("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews",
            {{"spec", {{"user", user}, {"resourceAttributes", attributes}}}});
    EXPECT_EQ(status, 201);
    return body.at("status").at("allowed").get<bool>();
  }
};

TEST_F(AccessReviewsTest, TellWhoHasTheToken) {
  const Json status = who("t-ann", {"berth"});
  EXPECT_EQ(status.at("authenticated"), true);
  EXPECT_EQ(status.at("user"),
            Json::parse(R"({"username":"ann","uid":"u-1","groups":["people"]})"));
  EXPECT_EQ(status.at("audiences"), Json{"berth"});
}

TEST_F(AccessReviewsTest, KnowNoStrangersAndNoTokensOfAnotherAudience) {
  EXPECT_FALSE(who("t-bob", {"berth"}).contains("authenticated"));
  EXPECT_FALSE(who("t-ann", {"other"}).contains("authenticated"));
  EXPECT_FALSE(who("t-ann", nullptr).contains("authenticated")) << "not made for the API itself";
}

TEST_F(AccessReviewsTest, AllowWhatARuleAllowsAndNothingElse) {
  EXPECT_TRUE(may("ann", "create", "team", "files"));
  EXPECT_FALSE(may("ann", "create", "team", "other"));
  EXPECT_FALSE(may("ann", "create", "team", "")) << "a rule with a name is not for the collection";
  EXPECT_FALSE(may("ann", "create", "elsewhere", "files"));
  EXPECT_FALSE(may("ann", "create", "team", "files", ""));
  EXPECT_FALSE(may("bob", "create", "team", "files"));
  EXPECT_TRUE(may("ann", "list", "team", "files"));
  EXPECT_FALSE(may("ann", "list", "", "")) << "bound in one namespace only";
}

TEST_F(AccessReviewsTest, NeedASpec) {
  EXPECT_EQ(ask("POST", "/apis/authentication.k8s.io/v1/tokenreviews", Json::object()).first, 400);
}

}  // namespace
}  // namespace berth::devcluster
