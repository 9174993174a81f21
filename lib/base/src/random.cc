#include "berth/base/random.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace berth {

std::uint64_t Random::u64() {
  std::array<std::uint8_t, 8> bytes{};
  fill(bytes);
  std::uint64_t value = 0;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

std::uint64_t Random::below(std::uint64_t bound) {
  // Rejection keeps it uniform: values in the last, incomplete run of `bound` are drawn again.
  const std::uint64_t limit = UINT64_MAX - (UINT64_MAX % bound);
  std::uint64_t value = u64();
  while (value >= limit) {
    value = u64();
  }
  return value % bound;
}

double Random::unit() {
  return static_cast<double>(u64() >> 11) * 0x1.0p-53;
}

std::string Random::name(std::size_t length) {
  static constexpr std::string_view kAlphabet = "abcdefghijklmnopqrstuvwxyz0123456789";
  // Uniform: bytes in the last, incomplete run of the alphabet are drawn again. Drawn many at a
  // time, since each fill() may be a system call.
  constexpr std::size_t kLimit = 256 - 256 % kAlphabet.size();
  std::string out;
  out.reserve(length);
  std::array<std::uint8_t, 64> bytes{};
  while (out.size() < length) {
    const auto drawn = std::span(bytes).first(std::min(bytes.size(), length - out.size()));
    fill(drawn);
    for (const std::uint8_t byte : drawn) {
      if (byte < kLimit) {
        out += kAlphabet[byte % kAlphabet.size()];
      }
    }
  }
  return out;
}

void SystemRandom::fill(std::span<std::uint8_t> out) {
  std::size_t done = 0;
  while (done < out.size()) {
    const ssize_t n = ::getrandom(out.data() + done, out.size() - done, 0);
    if (n > 0) {
      done += static_cast<std::size_t>(n);
    } else if (errno != EINTR) {
      std::abort();  // No randomness: nothing that follows would be safe.
    }
  }
}

}  // namespace berth
