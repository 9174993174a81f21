#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace berth::worker {

/// The last 8 KiB of a stream of bytes.
class OutputTail {
 public:
  static constexpr std::size_t kMaxBytes = 8192;

  void append(std::string_view bytes);
  /// As valid UTF-8 of at most kMaxBytes: what is no character becomes U+FFFD.
  std::string text() const;

 private:
  std::string bytes_;
};

/// `bytes` with everything replaced that is not UTF-8.
std::string to_valid_utf8(std::string_view bytes);
/// The last `max` bytes of valid UTF-8, cut between characters.
std::string_view last_characters(std::string_view text, std::size_t max);
/// The first bytes of something unexpected, fit for a message: in quotes, control characters
/// escaped, with "..." if cut.
std::string quote_start(std::string_view bytes, std::size_t max = 64);

}  // namespace berth::worker
