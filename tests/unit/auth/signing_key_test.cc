#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "berth/auth/control_token.h"
#include "berth/auth/session_token.h"
#include "berth/base/file.h"
#include "berth/base/json.h"
#include "lib/auth/src/ed25519.h"
#include "tests/fakes/seeded_random.h"
#include "tests/fakes/temp_dir.h"

namespace berth::auth {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// RFC 8037, appendix A.
constexpr const char* kRfcPrivate = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
constexpr const char* kRfcPublic = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
constexpr const char* kRfcToken =
    "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

Json rfc_jwk() {
  return {{"kty", "OKP"},    {"crv", "Ed25519"}, {"d", kRfcPrivate},
          {"x", kRfcPublic}, {"kid", "rfc"},     {"berth_scope", "create"}};
}

TEST(Ed25519Key, AgreesWithRfc8037OnTheSignature) {
  const Ed25519Key key(base64url_decode(kRfcPublic).value(), "");
  EXPECT_TRUE(key.verify(kRfcToken));
  std::string forged = kRfcToken;
  forged[forged.find('.') + 3] ^= 1;
  EXPECT_FALSE(key.verify(forged));
}

TEST(Ed25519Key, AgreesWithRfc8037OnThePublicHalf) {
  EXPECT_EQ(base64url_encode(ed25519_public(base64url_decode(kRfcPrivate).value())), kRfcPublic);
}

TEST(SigningKey, GivesNewKeysTheirRfc7638ThumbprintAsId) {
  // Random bytes that happen to be the RFC's private key; the thumbprint is in its appendix A.3.
  class RfcRandom final : public Random {
   public:
    void fill(std::span<std::uint8_t> out) override {
      const std::string d = base64url_decode(kRfcPrivate).value();
      ASSERT_EQ(out.size(), d.size());
      std::copy(d.begin(), d.end(), out.begin());
    }
  } random;
  const auto key = SigningKey::generate(Scope::kOperate, random).value();
  EXPECT_EQ(key.id(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
  EXPECT_EQ(parse_json(key.public_jwk()).value()["x"], kRfcPublic);
}

TEST(SigningKey, ReadsBackWhatItWrote) {
  fakes::SeededRandom random;
  const auto key = SigningKey::generate(Scope::kOperate, random).value();
  const auto again = SigningKey::parse(key.private_jwk()).value();
  EXPECT_EQ(again.id(), key.id());
  EXPECT_EQ(again.scope(), Scope::kOperate);
  EXPECT_EQ(again.private_jwk(), key.private_jwk());
}

TEST(SigningKey, PublicFormsHoldNoPrivateHalf) {
  fakes::SeededRandom random;
  const auto a = SigningKey::generate(Scope::kCreate, random).value();
  const auto b = SigningKey::generate(Scope::kOperate, random).value();
  const Json set = parse_json(make_jwks({&a, &b})).value();
  ASSERT_EQ(set["keys"].size(), 2u);
  for (const Json& key : set["keys"]) {
    EXPECT_FALSE(key.contains("d"));
  }
  EXPECT_EQ(set["keys"][1]["berth_scope"], "operate");
  EXPECT_EQ(make_jwks({}), R"({"keys":[]})");
}

TEST(SigningKey, NamesTheMemberThatIsWrong) {
  const std::pair<const char*, Json> changes[] = {{"kty", "RSA"},
                                                  {"crv", "X25519"},
                                                  {"alg", "HS256"},
                                                  {"use", "enc"},
                                                  {"kid", ""},
                                                  {"kid", "has space"},
                                                  {"kid", 7},
                                                  {"berth_scope", "all"},
                                                  {"berth_scope", nullptr},
                                                  {"x", "AAAA"},
                                                  {"d", "%%%"},
                                                  {"d", nullptr}};
  for (const auto& [member, value] : changes) {
    Json jwk = rfc_jwk();
    jwk[member] = value;
    const auto key = SigningKey::parse(dump_json(jwk));
    ASSERT_FALSE(key) << member << value;
    EXPECT_EQ(key.error().field, member);
  }
  EXPECT_TRUE(SigningKey::parse(dump_json(rfc_jwk())));
  EXPECT_FALSE(SigningKey::parse("not json"));
  EXPECT_FALSE(SigningKey::parse("[]"));
}

TEST(SigningKey, RefusesAPublicHalfThatIsNotItsOwn) {
  fakes::SeededRandom random;
  Json jwk = rfc_jwk();
  jwk["x"] = base64url_encode(ed25519_public(std::string(32, 'k')));
  const auto key = SigningKey::parse(dump_json(jwk));
  ASSERT_FALSE(key);
  EXPECT_EQ(key.error().field, "x");
}

TEST(SigningKey, LoadNamesTheFile) {
  const fakes::TempDir directory;
  const std::string path = directory.path() / "signing-key.json";
  const auto missing = SigningKey::load(path + ".none");
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message, HasSubstr(path + ".none"));
  ASSERT_TRUE(write_file_atomic(path, R"({"kty":"OKP","d":"secret"})"));
  const auto broken = SigningKey::load(path);
  ASSERT_FALSE(broken);
  EXPECT_THAT(broken.error().message, HasSubstr(path));
  EXPECT_THAT(broken.error().text(), Not(HasSubstr("secret")));
  ASSERT_TRUE(write_file_atomic(path, dump_json(rfc_jwk()), 0600));
  EXPECT_EQ(SigningKey::load(path).value().id(), "rfc");
}

}  // namespace
}  // namespace berth::auth
