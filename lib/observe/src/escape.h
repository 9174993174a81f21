#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace berth::observe {

/// Longest text of one value in a log line; what is cut off is counted behind it.
inline constexpr std::size_t kMaxValueBytes = 8U << 10;

/// Appends `text` as a JSON string with its quotes. Invalid UTF-8 becomes U+FFFD, so the line is
/// valid whatever came in. Longer text than kMaxValueBytes is cut between two characters and
/// marked.
void append_json_string(std::string& out, std::string_view text);

/// Appends `text` so that it can neither start a line nor drive a terminal: control characters and
/// those that turn the direction of writing are escaped. Cut like append_json_string.
void append_plain(std::string& out, std::string_view text);

/// As append_plain, in quotes when `text` is empty or has characters that would blur where it ends.
void append_plain_value(std::string& out, std::string_view text);

}  // namespace berth::observe
