#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace berth {

/// The only source of randomness. Thread-safe.
class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(std::span<std::uint8_t> out) = 0;

  std::uint64_t u64();
  /// Uniform in [0, bound); bound > 0.
  std::uint64_t below(std::uint64_t bound);
  /// Uniform in [0, 1).
  double unit();
  /// `length` characters of [a-z0-9], for names and ids (about 5 bits each).
  std::string name(std::size_t length);
};

/// The kernel's generator (getrandom). Fit for secrets.
class SystemRandom final : public Random {
 public:
  void fill(std::span<std::uint8_t> out) override;
};

}  // namespace berth
