#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "berth/auth/control_token.h"
#include "berth/auth/session_token.h"
#include "tests/fakes/manual_loop.h"
#include "tests/fakes/seeded_random.h"
#include "tests/unit/auth/forge.h"

namespace berth::auth {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

const std::set<Scope> kBoth = {Scope::kCreate, Scope::kOperate};

class KeySetTest : public ::testing::Test {
 protected:
  KeySetTest() { EXPECT_TRUE(keys_.load_jwks(make_jwks({&gateway_, &operator_}))); }

  std::int64_t now() const {
    return std::chrono::duration_cast<std::chrono::seconds>(clock_.wall_now().time_since_epoch())
        .count();
  }
  Json claims() const {
    return {{"sub", "gateway/gw-1"},
            {"aud", "pod-1"},
            {"scope", "create"},
            {"iat", now()},
            {"exp", now() + 120}};
  }
  Json claims_with(const char* name, Json value) const {
    Json c = claims();
    c[name] = std::move(value);
    return c;
  }
  void advance(Duration by) { clock_.set(clock_.now() + by); }

  void expect_refused(const std::string& token, std::string_view reason,
                      ErrorCode code = ErrorCode::kUnauthenticated) {
    const auto result = keys_.verify(token, kBoth);
    ASSERT_FALSE(result) << token;
    EXPECT_EQ(result.error().reason, reason) << result.error().text() << "\n" << token;
    EXPECT_EQ(result.error().code, code);
  }

  fakes::ManualClock clock_;
  fakes::SeededRandom random_;
  SigningKey gateway_ = SigningKey::generate(Scope::kCreate, random_).value();
  SigningKey operator_ = SigningKey::generate(Scope::kOperate, random_).value();
  KeySet keys_{"pod-1", clock_};
};

TEST_F(KeySetTest, AcceptsATokenOfAnotherImplementation) {
  const auto result = keys_.verify(forge(gateway_, claims()), {Scope::kCreate});
  ASSERT_TRUE(result) << result.error().text();
  EXPECT_EQ(result->subject, "gateway/gw-1");
  EXPECT_EQ(result->key_id, gateway_.id());
}

TEST_F(KeySetTest, AcceptsAListOfAudiencesThatHoldsUs) {
  EXPECT_TRUE(keys_.verify(forge(gateway_, claims_with("aud", {"pod-0", "pod-1"})), kBoth));
  expect_refused(forge(gateway_, claims_with("aud", {"pod-0", 1})), "WrongAudience");
}

TEST_F(KeySetTest, EveryFlippedBitIsNoticed) {
  const std::string token = forge(gateway_, claims());
  ASSERT_TRUE(keys_.verify(token, kBoth));
  for (std::size_t i = 0; i < token.size(); ++i) {
    for (int bit = 0; bit < 8; bit += (i % 5 == 0 ? 1 : 3)) {
      std::string forged = token;
      forged[i] = static_cast<char>(forged[i] ^ (1 << bit));
      ASSERT_FALSE(keys_.verify(forged, kBoth)) << "byte " << i << " bit " << bit;
    }
  }
}

TEST_F(KeySetTest, AClaimChangedUnderAnotherTokensSignatureIsRefused) {
  const std::string good = forge(gateway_, claims());
  const std::string longer = forge(operator_, claims_with("exp", now() + 100'000));
  const std::string payload = longer.substr(0, longer.rfind('.')).substr(longer.find('.'));
  expect_refused(good.substr(0, good.find('.')) + payload + good.substr(good.rfind('.')),
                 "InvalidToken");
}

TEST_F(KeySetTest, RefusesAlgorithmNone) {
  const Json header = {{"alg", "none"}, {"kid", gateway_.id()}};
  const std::string input = signing_input(dump_json(header), dump_json(claims()));
  expect_refused(input + ".", "InvalidToken");
  expect_refused(input, "InvalidToken");
  expect_refused(input + ".AAAA", "InvalidToken");
  const Json proper = {{"alg", "EdDSA"}, {"kid", gateway_.id()}};
  expect_refused(signing_input(dump_json(proper), dump_json(claims())) + ".", "InvalidToken");
}

TEST_F(KeySetTest, RefusesHs256WithThePublicKeyAsSecret) {
  const Json header = {{"alg", "HS256"}, {"kid", gateway_.id()}};
  const std::string input = signing_input(dump_json(header), dump_json(claims()));
  const std::string x = parse_json(gateway_.public_jwk()).value()["x"].get<std::string>();
  for (const std::string& secret : {x, base64url_decode(x).value(), gateway_.public_jwk()}) {
    expect_refused(input + "." + base64url_encode(hs256_sign(secret, input)), "InvalidToken");
  }
}

TEST_F(KeySetTest, RefusesHeadersThatAskForMore) {
  const Json extras = {{"crit", {"exp"}},
                       {"zip", "DEF"},
                       {"jku", "http://127.0.0.1:1/keys"},
                       {"x5u", "http://127.0.0.1:1/cert"},
                       {"b64", false},
                       {"jwk", parse_json(gateway_.public_jwk()).value()}};
  for (const auto& [name, value] : extras.items()) {
    const Json header = {{"alg", "EdDSA"}, {"kid", gateway_.id()}, {name, value}};
    expect_refused(forge(gateway_, dump_json(header), dump_json(claims())), "InvalidToken");
  }
}

TEST_F(KeySetTest, AKeyCarriedInTheTokenIsNotTrusted) {
  const SigningKey stranger = SigningKey::generate(Scope::kOperate, random_).value();
  const Json header = {
      {"alg", "EdDSA"}, {"kid", gateway_.id()}, {"jwk", parse_json(stranger.public_jwk()).value()}};
  expect_refused(forge(stranger, dump_json(header), dump_json(claims())), "InvalidToken");
}

TEST_F(KeySetTest, RefusesAnUnknownKeyAndOneThatUsesAnothersId) {
  const SigningKey stranger = SigningKey::generate(Scope::kCreate, random_).value();
  expect_refused(forge(stranger, claims()), "UnknownKey");
  const Json header = {{"alg", "EdDSA"}, {"kid", gateway_.id()}};
  expect_refused(forge(stranger, dump_json(header), dump_json(claims())), "InvalidToken");
}

TEST_F(KeySetTest, RefusesAnotherAudience) {
  expect_refused(forge(gateway_, claims_with("aud", "pod-2")), "WrongAudience");
  expect_refused(forge(gateway_, claims_with("aud", nullptr)), "WrongAudience");
  expect_refused(forge(gateway_, claims_with("aud", Json::object())), "WrongAudience");
}

TEST_F(KeySetTest, RefusesAnExpiredTokenAfterAMinuteOfSkew) {
  const std::string token = forge(gateway_, claims_with("exp", now() - 60));
  EXPECT_TRUE(keys_.verify(token, kBoth));
  expect_refused(forge(gateway_, claims_with("exp", now() - 61)), "TokenExpired");
}

TEST_F(KeySetTest, ARememberedTokenExpiresToo) {
  const std::string token = forge(gateway_, claims());
  ASSERT_TRUE(keys_.verify(token, kBoth));
  advance(180s);
  EXPECT_TRUE(keys_.verify(token, kBoth));
  advance(1s);
  expect_refused(token, "TokenExpired");
  expect_refused(token, "TokenExpired");
}

TEST_F(KeySetTest, RefusesATokenThatIsNotYetValid) {
  EXPECT_TRUE(keys_.verify(forge(gateway_, claims_with("nbf", now() + 60)), kBoth));
  expect_refused(forge(gateway_, claims_with("nbf", now() + 61)), "InvalidToken");
  EXPECT_TRUE(keys_.verify(forge(gateway_, claims_with("iat", now() + 60)), kBoth));
  expect_refused(forge(gateway_, claims_with("iat", now() + 61)), "InvalidToken");
}

TEST_F(KeySetTest, TheScopeBelongsToTheKey) {
  // The gateway's key signs what only the operator may.
  expect_refused(forge(gateway_, claims_with("scope", "operate")), "WrongScope",
                 ErrorCode::kPermissionDenied);
  expect_refused(forge(gateway_, claims_with("scope", "everything")), "InvalidToken");
  expect_refused(forge(gateway_, claims_with("scope", nullptr)), "InvalidToken");
}

TEST_F(KeySetTest, AScopeThatTheCallDoesNotAllowIsRefusedAlsoWhenTheTokenIsRemembered) {
  const std::string token = forge(gateway_, claims());
  for (int i = 0; i < 2; ++i) {
    const auto result = keys_.verify(token, {Scope::kOperate});
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, ErrorCode::kPermissionDenied);
    EXPECT_EQ(result.error().reason, "WrongScope");
  }
  EXPECT_TRUE(keys_.verify(token, {Scope::kCreate}));
  EXPECT_FALSE(keys_.verify(token, {}));
}

TEST_F(KeySetTest, RefusesSignedNonsense) {
  for (const char* payload : {"", "null", "[]", "{", "{}", "\"text\"", "{\"exp\":1e400}"}) {
    const Json header = {{"alg", "EdDSA"}, {"kid", gateway_.id()}};
    expect_refused(forge(gateway_, dump_json(header), payload), "InvalidToken");
  }
  for (const Json& time : {Json("soon"), Json(1.5), Json(-1), Json(INT64_MAX), Json(nullptr)}) {
    expect_refused(forge(gateway_, claims_with("exp", time)), "InvalidToken");
    expect_refused(forge(gateway_, claims_with("iat", time)), "InvalidToken");
  }
}

TEST_F(KeySetTest, RefusesTextThatIsNoToken) {
  for (const std::string& text : {std::string(), std::string("."), std::string(".."),
                                  std::string("a.b.c"), std::string("...."), std::string(5000, 'A'),
                                  std::string("\0.\0.\0", 5), "e30.e30." + std::string(86, 'A')}) {
    expect_refused(text, "InvalidToken");
  }
  expect_refused(forge(gateway_, claims()) + ".AAAA", "InvalidToken");
  expect_refused(forge(gateway_, claims()) + "=", "InvalidToken");
}

TEST_F(KeySetTest, RefusesATokenLongerThanItsBound) {
  expect_refused(forge(gateway_, claims_with("pad", std::string(3500, 'x'))), "InvalidToken");
}

TEST_F(KeySetTest, RemembersOnlySoManyTokensAndStaysRight) {
  std::vector<std::string> tokens;
  for (int i = 0; i < 1100; ++i) {
    tokens.push_back(forge(gateway_, claims_with("jti", i)));
    ASSERT_TRUE(keys_.verify(tokens.back(), kBoth));
  }
  for (const std::string& token : tokens) {
    ASSERT_TRUE(keys_.verify(token, kBoth));
  }
}

TEST_F(KeySetTest, RotationAddsAndRemovesKeys) {
  const SigningKey next = SigningKey::generate(Scope::kCreate, random_).value();
  const std::string old_token = forge(gateway_, claims());
  const std::string new_token = forge(next, claims());
  ASSERT_TRUE(keys_.verify(old_token, kBoth));
  expect_refused(new_token, "UnknownKey");

  ASSERT_TRUE(keys_.load_jwks(make_jwks({&gateway_, &next})));
  EXPECT_TRUE(keys_.verify(old_token, kBoth));
  EXPECT_TRUE(keys_.verify(new_token, kBoth));
  EXPECT_EQ(keys_.key_ids(), (std::set<std::string>{gateway_.id(), next.id()}));

  ASSERT_TRUE(keys_.load_jwks(make_jwks({&next})));
  expect_refused(old_token, "UnknownKey");
  EXPECT_TRUE(keys_.verify(new_token, kBoth));
}

TEST_F(KeySetTest, JunkKeepsTheOldKeys) {
  const Json good = parse_json(gateway_.public_jwk()).value();
  Json no_scope = good;
  no_scope.erase("berth_scope");
  Json twin = good;
  twin["berth_scope"] = "operate";
  const Json private_key = parse_json(gateway_.private_jwk()).value();
  Json many = Json::array();
  for (int i = 0; i < 65; ++i) {
    many.push_back(good);
  }
  for (const std::string& junk :
       {std::string(), std::string("junk"), std::string("[]"), std::string(R"({"keys":{}})"),
        std::string(R"({"keys":[]})"), std::string(R"({"keys":[1,null,"x",{"kty":"RSA"}]})"),
        std::string(100, '['), dump_json({{"keys", {no_scope}}}),
        dump_json({{"keys", {good, twin}}}), dump_json({{"keys", {private_key}}}),
        dump_json({{"keys", many}})}) {
    const auto loaded = keys_.load_jwks(junk);
    EXPECT_FALSE(loaded) << junk;
    EXPECT_EQ(keys_.key_ids(), (std::set<std::string>{gateway_.id(), operator_.id()}));
  }
  EXPECT_TRUE(keys_.verify(forge(gateway_, claims()), kBoth));
}

TEST_F(KeySetTest, KeysOfOtherKindsAreSkipped) {
  const std::string jwks =
      R"({"keys":[{"kty":"RSA","kid":"r","n":"AQ","e":"AQAB"},)" + operator_.public_jwk() + "]}";
  ASSERT_TRUE(keys_.load_jwks(jwks));
  EXPECT_EQ(keys_.key_ids(), std::set<std::string>{operator_.id()});
}

TEST_F(KeySetTest, AnErrorTellsWhichKeyIsWrong) {
  EXPECT_THAT(keys_.load_jwks(R"({"keys":[{"kty":"OKP","crv":"Ed448"}]})").error().text(),
              HasSubstr("crv"));
}

}  // namespace
}  // namespace berth::auth
