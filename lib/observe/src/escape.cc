#include "escape.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <iterator>

namespace berth::observe {
namespace {

constexpr std::string_view kReplacementUtf8 = "\xEF\xBF\xBD";

struct Character {
  std::uint32_t code = 0;
  std::size_t bytes = 1;
  bool valid = false;
};

// Well-formed sequences after table 3-7 of the Unicode standard; anything else is one bad byte.
Character decode(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t lead = byte(0);
  if (lead < 0x80) {
    return {lead, 1, true};
  }
  std::size_t length = 0;
  std::uint8_t low = 0x80;
  std::uint8_t high = 0xBF;
  std::uint32_t code = 0;
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2;
    code = lead & 0x1Fu;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3;
    code = lead & 0x0Fu;
    low = lead == 0xE0 ? 0xA0 : low;
    high = lead == 0xED ? 0x9F : high;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
    code = lead & 0x07u;
    low = lead == 0xF0 ? 0x90 : low;
    high = lead == 0xF4 ? 0x8F : high;
  }
  if (length == 0 || text.size() < length) {
    return {};
  }
  for (std::size_t i = 1; i < length; ++i) {
    if (byte(i) < low || byte(i) > high) {
      return {};
    }
    code = (code << 6) | (byte(i) & 0x3Fu);
    low = 0x80;
    high = 0xBF;
  }
  return {code, length, true};
}

bool is_control(std::uint32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0);
}

bool is_unsafe_on_terminal(std::uint32_t c) {
  return is_control(c) || c == 0x2028 || c == 0x2029 || c == 0x200E || c == 0x200F ||
         (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

void append_escape(std::string& out, std::uint32_t c) {
  switch (c) {
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", c);
  }
}

// How many bytes at the start are printable ASCII without those in `quoted`: nearly always all.
std::size_t plain_run(std::string_view text, std::string_view quoted) {
  const auto is_quoted = [&](char c) {
    return std::any_of(quoted.begin(), quoted.end(), [c](char q) { return q == c; });
  };
  const auto end = std::find_if(text.begin(), text.end(),
                                [&](char c) { return c < ' ' || c > '~' || is_quoted(c); });
  return static_cast<std::size_t>(end - text.begin());
}

// Copies `text`, with a backslash before those in `quoted` and an escape for
// the `unsafe`.
void append_characters(std::string& out, std::string_view text, std::string_view quoted,
                       bool (*unsafe)(std::uint32_t)) {
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t done = text.size() - rest.size();
    const std::size_t plain = plain_run(rest.substr(0, kMaxValueBytes - done), quoted);
    if (plain > 0) {
      out += rest.substr(0, plain);
      rest.remove_prefix(plain);
      continue;
    }
    const Character c = decode(rest);
    if (done + c.bytes > kMaxValueBytes) {
      fmt::format_to(std::back_inserter(out), "...[{} more bytes]", rest.size());
      return;
    }
    if (!c.valid) {
      out += kReplacementUtf8;
    } else if (unsafe(c.code)) {
      append_escape(out, c.code);
    } else {
      if (quoted.find(rest.front()) != std::string_view::npos) {
        out += '\\';
      }
      out += rest.substr(0, c.bytes);
    }
    rest.remove_prefix(c.bytes);
  }
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  append_characters(out, text, "\"\\", is_control);
  out += '"';
}

void append_plain(std::string& out, std::string_view text) {
  append_characters(out, text, "", is_unsafe_on_terminal);
}

void append_plain_value(std::string& out, std::string_view text) {
  if (!text.empty() && text.find_first_of(" \"\\=") == std::string_view::npos) {
    append_plain(out, text);
    return;
  }
  out += '"';
  append_characters(out, text, "\"\\", is_unsafe_on_terminal);
  out += '"';
}

}  // namespace berth::observe
