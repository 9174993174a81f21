#pragma once

#include <random>

#include "berth/base/random.h"

namespace berth::fakes {

/// The same bytes for the same seed.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed = 1) : engine_(seed) {}
  void fill(std::span<std::uint8_t> out) override {
    for (std::uint8_t& b : out) {
      b = static_cast<std::uint8_t>(engine_() & 0xff);
    }
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace berth::fakes
