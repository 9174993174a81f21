#include "lib/api/src/yaml_scalar.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

#include "lib/api/src/utf8.h"

namespace berth::api {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

// [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?
bool is_core_float(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) {
    text.remove_prefix(1);
  }
  if (const auto e = text.find_first_of("eE"); e != std::string_view::npos) {
    std::string_view exponent = text.substr(e + 1);
    if (exponent.starts_with('-') || exponent.starts_with('+')) {
      exponent.remove_prefix(1);
    }
    if (!all_digits(exponent)) {
      return false;
    }
    text = text.substr(0, e);
  }
  const auto dot = text.find('.');
  if (dot == std::string_view::npos) {
    return all_digits(text);
  }
  const std::string_view whole = text.substr(0, dot);
  const std::string_view fraction = text.substr(dot + 1);
  return (whole.empty() || all_digits(whole)) && (fraction.empty() || all_digits(fraction)) &&
         !(whole.empty() && fraction.empty());
}

tl::unexpected<Error> too_big(std::string_view text) {
  return fail(Error::invalid("", "the number " + std::string(text.substr(0, 64)) +
                                     " is too big; quote it if it is meant as text"));
}

template <class T>
bool convert(std::string_view text, T& out, int base) {
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, out, base);
  return error == std::errc() && at == end;
}

Result<Json> integer(std::string_view digits, int base, std::string_view whole) {
  std::int64_t small = 0;
  std::uint64_t big = 0;
  if (convert(digits, small, base)) {
    return Json(small);
  }
  if (convert(digits, big, base)) {
    return Json(big);
  }
  return too_big(whole);
}

bool has_only(std::string_view digits, std::string_view allowed) {
  return !digits.empty() && digits.find_first_not_of(allowed) == std::string_view::npos;
}

bool is_any(std::string_view text, std::initializer_list<std::string_view> list) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

// What YAML 1.1 readers (kubectl among them) take for booleans and null.
bool is_word_of_old_yaml(std::string_view text) {
  std::string lower(text.substr(0, 8));
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return is_any(lower, {"y", "n", "yes", "no", "on", "off", "true", "false", "null"});
}

bool can_stand_plain(std::string_view text) {
  if (text.empty() || is_word_of_old_yaml(text)) {
    return false;
  }
  if (is_digit(text[0])) {  // Durations only: "20s", "1h30m".
    return text.find_first_not_of("0123456789hmsu") == std::string_view::npos && !all_digits(text);
  }
  if (!is_letter(text[0]) && text[0] != '_' && text[0] != '/') {
    return false;
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool last = i + 1 == text.size();
    const bool good = is_letter(c) || is_digit(c) ||
                      std::string_view("_./@+-,()=;").find(c) != std::string_view::npos ||
                      (c == ' ' && !last) || (c == ':' && !last && text[i + 1] != ' ');
    if (!good) {
      return false;
    }
  }
  return true;
}

void append_escape(char32_t c, std::string& out) {
  std::array<char, 16> buffer{};
  const char* format = c <= 0xFF ? "\\x%02x" : c <= 0xFFFF ? "\\u%04x" : "\\U%08x";
  std::snprintf(buffer.data(), buffer.size(), format, static_cast<unsigned>(c));
  out += buffer.data();
}

void append_quoted(char32_t c, std::string_view bytes, std::string& out) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\t':
      out += "\\t";
      return;
    case '\r':
      out += "\\r";
      return;
    default:
      break;
  }
  // Line breaks of YAML 1.1 and the byte order mark are printable, yet not safe as they are.
  if (!is_yaml_printable(c) || c == 0x85 || c == 0x2028 || c == 0x2029 || c == 0xFEFF) {
    append_escape(c, out);
  } else {
    out += bytes;
  }
}

}  // namespace

Result<Json> resolve_plain(std::string_view text) {
  if (is_any(text, {"", "~", "null", "Null", "NULL"})) {
    return Json(nullptr);
  }
  if (is_any(text, {"true", "True", "TRUE"})) {
    return Json(true);
  }
  if (is_any(text, {"false", "False", "FALSE"})) {
    return Json(false);
  }
  std::string_view number = text;
  const bool plus = number.starts_with('+');
  if (plus) {
    number.remove_prefix(1);
  }
  if (all_digits(number) || (!plus && number.starts_with('-') && all_digits(number.substr(1)))) {
    return integer(number, 10, text);
  }
  if (text.starts_with("0o") && has_only(text.substr(2), "01234567")) {
    return integer(text.substr(2), 8, text);
  }
  if (text.starts_with("0x") && has_only(text.substr(2), "0123456789abcdefABCDEF")) {
    return integer(text.substr(2), 16, text);
  }
  if (is_core_float(text)) {
    double value = 0;
    const char* end = number.data() + number.size();
    const auto [at, error] = std::from_chars(number.data(), end, value);
    return error == std::errc() && at == end ? Result<Json>(value) : too_big(text);
  }
  if (is_any(number, {".inf", ".Inf", ".INF", "-.inf", "-.Inf", "-.INF", ".nan", ".NaN", ".NAN"})) {
    return fail(Error::invalid("", std::string(text) +
                                       " is a number that JSON cannot carry; quote it if it is "
                                       "meant as text"));
  }
  return Json(std::string(text));
}

std::string quote_if_needed(std::string_view text) {
  if (can_stand_plain(text)) {
    return std::string(text);
  }
  std::string out = "\"";
  while (!text.empty()) {
    const CodePoint c = decode_utf8(text);
    if (c.size == 0) {
      out += "\xEF\xBF\xBD";
      text.remove_prefix(1);
      continue;
    }
    append_quoted(c.value, text.substr(0, c.size), out);
    text.remove_prefix(c.size);
  }
  return out + '"';
}

}  // namespace berth::api
