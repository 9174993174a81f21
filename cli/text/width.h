#pragma once

#include <cstddef>
#include <string_view>

namespace berth::cli {

/// Columns that `text`, valid UTF-8 without control characters, takes on a terminal: two for
/// ideographs, kana, hangul, fullwidth forms and emoji, none for combining marks.
std::size_t display_width(std::string_view text);

}  // namespace berth::cli
