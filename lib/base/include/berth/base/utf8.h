#pragma once

#include <cstddef>
#include <string_view>

namespace berth {

/// The character that `text` begins with. `length` 0: none, or no valid UTF-8 (overlong forms,
/// surrogates and numbers above U+10FFFF are none).
struct Utf8Char {
  char32_t code = 0;
  std::size_t length = 0;
};
Utf8Char first_utf8(std::string_view text);

bool is_utf8(std::string_view text);

/// The longest beginning of valid `text` that has at most `max` bytes and ends between characters:
/// a part of one would make the whole invalid.
std::string_view first_characters(std::string_view text, std::size_t max);

}  // namespace berth
