#include "berth/auth/session_token.h"

#include <gtest/gtest.h>

#include "tests/fakes/seeded_random.h"

namespace berth::auth {
namespace {

TEST(SessionToken, Is256BitsInBase64Url) {
  fakes::SeededRandom random;
  const std::string a = make_session_token(random);
  EXPECT_EQ(a.size(), 43u);
  EXPECT_EQ(base64url_decode(a).value().size(), 32u);
  EXPECT_NE(a, make_session_token(random));
}

TEST(SessionToken, MatchesOnlyItsOwnHash) {
  fakes::SeededRandom random;
  const std::string token = make_session_token(random);
  const std::string hash = sha256_hex(token);
  EXPECT_TRUE(token_matches(token, hash));
  EXPECT_FALSE(token_matches(token + "A", hash));
  EXPECT_FALSE(token_matches("", hash));
  EXPECT_FALSE(token_matches(hash, hash));
  EXPECT_FALSE(token_matches(token, ""));
  EXPECT_FALSE(token_matches(token, hash.substr(1)));
}

TEST(Sha256, AgreesWithTheStandardsExamples) {
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Sha256, RecognisesItsOwnFormOnly) {
  const std::string hash = sha256_hex("x");
  EXPECT_TRUE(is_sha256_hex(hash));
  EXPECT_FALSE(is_sha256_hex(hash + "0"));
  EXPECT_FALSE(is_sha256_hex(hash.substr(1)));
  EXPECT_FALSE(is_sha256_hex(std::string(64, 'A')));
  EXPECT_FALSE(is_sha256_hex(std::string(64, 'g')));
}

TEST(SecureEqual, ComparesLengthAndBytes) {
  EXPECT_TRUE(secure_equal("", ""));
  EXPECT_TRUE(secure_equal("abc", "abc"));
  EXPECT_FALSE(secure_equal("abc", "abd"));
  EXPECT_FALSE(secure_equal("abc", "ab"));
}

TEST(Base64Url, AgreesWithRfc4648) {
  const std::pair<const char*, const char*> examples[] = {
      {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
      {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xFB\xFF", "-_8"}};
  for (const auto& [bytes, text] : examples) {
    EXPECT_EQ(base64url_encode(bytes), text);
    EXPECT_EQ(base64url_decode(text).value(), bytes);
  }
}

TEST(Base64Url, RefusesEverySecondSpelling) {
  // Padding, the other alphabet, spaces, a lone character, left-over bits that are not zero.
  for (const char* bad : {"Zg==", "+/8", "Zm 8", "Zm8\n", "Z", "Zm9vY", "Zh", "Zm9"}) {
    EXPECT_FALSE(base64url_decode(bad)) << bad;
  }
  EXPECT_FALSE(base64url_decode(std::string_view("Zg\0", 3)));
}

TEST(Base64Url, SurvivesAllBytes) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) {
    bytes += static_cast<char>(i);
    EXPECT_EQ(base64url_decode(base64url_encode(bytes)).value(), bytes);
  }
}

TEST(BearerToken, ReadsTheTokenInAnyCaseOfTheScheme) {
  EXPECT_EQ(bearer_token("Bearer abc"), "abc");
  EXPECT_EQ(bearer_token("bEARER   a.b-c_d "), "a.b-c_d");
}

TEST(BearerToken, IsEmptyForAnythingElse) {
  for (const char* bad : {"", "Bearer", "Bearer ", "Bearer    ", "Basic abc", "Bearerabc", "abc",
                          "Bearer a b", "Bearer a,b", " Bearer a"}) {
    EXPECT_EQ(bearer_token(bad), "") << bad;
  }
}

}  // namespace
}  // namespace berth::auth
