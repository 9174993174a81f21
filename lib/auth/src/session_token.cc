#include "berth/auth/session_token.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>

namespace berth::auth {
namespace {

constexpr std::string_view kBase64Url =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::array<std::int16_t, 256> make_reverse_table() {
  std::array<std::int16_t, 256> table{};
  table.fill(-1);
  for (std::size_t i = 0; i < kBase64Url.size(); ++i) {
    table[static_cast<std::uint8_t>(kBase64Url[i])] = static_cast<std::int16_t>(i);
  }
  return table;
}

Error not_base64url() {
  return Error::invalid("", "is not base64url without padding");
}

// Looking the algorithm up by its name costs more than hashing a token, so it is done once.
const EVP_MD* sha256() {
  static const EVP_MD* const kSha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return kSha256;
}

bool equal_ignoring_case(std::string_view text, std::string_view lower) {
  return text.size() == lower.size() &&
         std::equal(text.begin(), text.end(), lower.begin(), [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
         });
}

}  // namespace

std::string make_session_token(Random& random) {
  std::array<std::uint8_t, 32> bytes{};
  random.fill(bytes);
  return base64url_encode({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

std::string sha256_hex(std::string_view text) {
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest{};
  if (EVP_Digest(text.data(), text.size(), digest.data(), nullptr, sha256(), nullptr) != 1) {
    std::abort();  // No memory, or no SHA-256: a made-up hash would open sessions to strangers.
  }
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out(2 * digest.size(), '0');
  for (std::size_t i = 0; i < digest.size(); ++i) {
    out[2 * i] = kHex[digest[i] >> 4];
    out[2 * i + 1] = kHex[digest[i] & 15];
  }
  return out;
}

bool is_sha256_hex(std::string_view text) {
  return text.size() == std::size_t{2} * SHA256_DIGEST_LENGTH &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool token_matches(std::string_view token, std::string_view hash_hex) {
  return is_sha256_hex(hash_hex) && secure_equal(sha256_hex(token), hash_hex);
}

bool secure_equal(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string base64url_encode(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() * 4 + 2) / 3);
  std::uint32_t buffer = 0;
  int bits = 0;
  for (const char c : bytes) {
    buffer = (buffer << 8) | static_cast<std::uint8_t>(c);
    for (bits += 8; bits >= 6; bits -= 6) {
      out += kBase64Url[(buffer >> (bits - 6)) & 63];
    }
  }
  if (bits > 0) {
    out += kBase64Url[(buffer << (6 - bits)) & 63];
  }
  return out;
}

Result<std::string> base64url_decode(std::string_view text) {
  static const auto kReverse = make_reverse_table();
  std::string out;
  out.reserve(text.size() * 3 / 4);
  std::uint32_t buffer = 0;
  int bits = 0;
  for (const char c : text) {
    const int value = kReverse[static_cast<std::uint8_t>(c)];
    if (value < 0) {
      return fail(not_base64url());
    }
    buffer = (buffer << 6) | static_cast<std::uint32_t>(value);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out += static_cast<char>((buffer >> bits) & 0xff);
    }
  }
  // One text for each value: left-over bits must be zero, and a single left-over character has no
  // meaning.
  if (bits == 6 || (buffer & ((1u << bits) - 1)) != 0) {
    return fail(not_base64url());
  }
  return out;
}

std::string_view bearer_token(std::string_view authorization_header) {
  constexpr std::string_view kScheme = "bearer";
  const std::string_view header = authorization_header;
  if (header.size() <= kScheme.size() ||
      !equal_ignoring_case(header.substr(0, kScheme.size()), kScheme) ||
      header[kScheme.size()] != ' ') {
    return {};
  }
  const auto begin = header.find_first_not_of(' ', kScheme.size());
  if (begin == std::string_view::npos) {
    return {};
  }
  const auto token = header.substr(begin, header.find_last_not_of(' ') + 1 - begin);
  const bool one_word = std::none_of(token.begin(), token.end(),
                                     [](char c) { return c == ' ' || c == ',' || c == '\t'; });
  return one_word ? token : std::string_view();
}

}  // namespace berth::auth
