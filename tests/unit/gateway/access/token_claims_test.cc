#include "gateway/access/token_claims.h"

#include <gtest/gtest.h>

#include "berth/auth/session_token.h"

namespace berth::gateway {
namespace {

TokenClaims claims_of(const std::string& payload) {
  return TokenClaims::read("e30." + auth::base64url_encode(payload) + ".sig");
}

TEST(TokenClaims, ReadsEndAndAudiences) {
  const TokenClaims claims = claims_of(R"({"exp": 1790000060, "aud": ["berth", "other"]})");
  EXPECT_EQ(claims.expires, WallTime(std::chrono::seconds(1'790'000'060)));
  EXPECT_EQ(claims.audiences, (std::vector<std::string>{"berth", "other"}));
  EXPECT_EQ(claims_of(R"({"aud": "one"})").audiences, std::vector<std::string>{"one"});
}

TEST(TokenClaims, TokensOfOtherKindsSayNothing) {
  for (const std::string token : {"", "opaque", "a.b", "a.b.c", "a.!!.c", "..", "e30.MQ.x"}) {
    const TokenClaims claims = TokenClaims::read(token);
    EXPECT_FALSE(claims.expires) << token;
    EXPECT_TRUE(claims.audiences.empty()) << token;
  }
}

TEST(TokenClaims, EndsThatNoClockReachesAreNone) {
  EXPECT_FALSE(claims_of(R"({"exp": -1})").expires);
  EXPECT_FALSE(claims_of(R"({"exp": 1e300})").expires);
  EXPECT_FALSE(claims_of(R"({"exp": "soon"})").expires);
}

TEST(TokenClaims, AreBounded) {
  std::string many = R"({"aud": ["a")";
  for (int i = 0; i < 1000; ++i) {
    many += R"(,"b")";
  }
  EXPECT_EQ(claims_of(many + "]}").audiences.size(), 8U);
}

}  // namespace
}  // namespace berth::gateway
