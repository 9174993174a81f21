#include <gtest/gtest.h>

#include "berth/auth/control_token.h"
#include "tests/fakes/manual_loop.h"
#include "tests/fakes/seeded_random.h"

namespace berth::auth {
namespace {

using namespace std::chrono_literals;

class TokenSignerTest : public ::testing::Test {
 protected:
  SigningKey make_key() { return SigningKey::generate(Scope::kCreate, random_).value(); }
  void advance(Duration by) { clock_.set(clock_.now() + by); }

  fakes::ManualClock clock_;
  fakes::SeededRandom random_;
};

TEST_F(TokenSignerTest, ItsTokensPassTheKeySet) {
  const SigningKey key = make_key();
  KeySet keys("pod-1", clock_);
  ASSERT_TRUE(keys.load_jwks(make_jwks({&key})));
  TokenSigner signer(SigningKey::parse(key.private_jwk()).value(), "gateway/gw-1", clock_);
  const auto claims = keys.verify(signer.token("pod-1"), {Scope::kCreate});
  ASSERT_TRUE(claims) << claims.error().text();
  EXPECT_EQ(claims->key_id, key.id());
  EXPECT_EQ(claims->subject, "gateway/gw-1");
  EXPECT_EQ(claims->scope, Scope::kCreate);
  EXPECT_EQ(claims->expires, clock_.wall_now() + 120s);
  EXPECT_FALSE(keys.verify(signer.token("pod-2"), {Scope::kCreate}));
}

TEST_F(TokenSignerTest, KeepsATokenForHalfItsLife) {
  TokenSigner signer(make_key(), "gateway", clock_);
  const std::string first = signer.token("pod-1");
  EXPECT_NE(signer.token("pod-2"), first);
  advance(60s);
  EXPECT_EQ(signer.token("pod-1"), first);
  advance(1s);
  EXPECT_NE(signer.token("pod-1"), first);
}

TEST_F(TokenSignerTest, SignsAnewWhenTheWallClockWasSet) {
  TokenSigner signer(make_key(), "gateway", clock_);
  const std::string first = signer.token("pod-1");
  clock_.jump_wall(-10min);
  const std::string second = signer.token("pod-1");
  EXPECT_NE(second, first);
  clock_.jump_wall(1h);
  EXPECT_NE(signer.token("pod-1"), second);
}

TEST_F(TokenSignerTest, SignsWithANewKeyFromTheFirstTokenAfterIt) {
  const SigningKey second = make_key();
  KeySet keys("pod-1", clock_);
  ASSERT_TRUE(keys.load_jwks(make_jwks({&second})));
  TokenSigner signer(make_key(), "gateway", clock_);
  EXPECT_EQ(keys.verify(signer.token("pod-1"), {Scope::kCreate}).error().reason, "UnknownKey");
  signer.use(SigningKey::parse(second.private_jwk()).value());
  EXPECT_EQ(signer.key_id(), second.id());
  EXPECT_TRUE(keys.verify(signer.token("pod-1"), {Scope::kCreate}));
}

TEST_F(TokenSignerTest, WithoutAKeyThereAreNoTokens) {
  TokenSigner signer("operator", clock_);
  EXPECT_EQ(signer.key_id(), "");
  EXPECT_EQ(signer.token("pod-1"), "");
  signer.use(make_key());
  EXPECT_NE(signer.token("pod-1"), "");
}

TEST_F(TokenSignerTest, ForgetsAudiencesNotAskedForInTenMinutes) {
  // With the wall clock standing still no token ages, so one that is remembered comes back the
  // same.
  TokenSigner signer(make_key(), "gateway", clock_);
  const std::string kept = signer.token("kept");
  const std::string forgotten = signer.token("forgotten");
  for (int minute = 0; minute < 12; ++minute) {
    advance(1min);
    clock_.jump_wall(-1min);
    EXPECT_EQ(signer.token("kept"), kept);
  }
  // A token made a second later differs.
  clock_.jump_wall(1s);
  EXPECT_EQ(signer.token("kept"), kept);
  EXPECT_NE(signer.token("forgotten"), forgotten);
}

}  // namespace
}  // namespace berth::auth
