#include "lib/kube/src/base64.h"

#include <openssl/evp.h>

#include <algorithm>

namespace berth::kube {

std::optional<std::string> base64_decode(std::string_view text) {
  std::string packed;
  packed.reserve(text.size());
  std::copy_if(text.begin(), text.end(), std::back_inserter(packed),
               [](char c) { return c != ' ' && c != '\t' && c != '\r' && c != '\n'; });
  const std::size_t padding = packed.size() - std::min(packed.find('='), packed.size());
  const bool padded_at_end = packed.find_last_not_of('=') + 1 == packed.size() - padding;
  if (packed.size() % 4 != 0 || padding > 2 || !padded_at_end || packed.size() > (16u << 20)) {
    return std::nullopt;
  }
  std::string out(packed.size() / 4 * 3, '\0');
  const int n = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                reinterpret_cast<const unsigned char*>(packed.data()),
                                static_cast<int>(packed.size()));
  if (n < 0) {
    return std::nullopt;
  }
  out.resize(static_cast<std::size_t>(n) - padding);
  return out;
}

std::string base64_encode(std::string_view bytes) {
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');  // EVP ends it with a zero.
  const int n = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                reinterpret_cast<const unsigned char*>(bytes.data()),
                                static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(n));
  return out;
}

}  // namespace berth::kube
