#include "berth/base/utf8.h"

namespace berth {
namespace {

struct Form {
  std::size_t length;
  char32_t lead_bits;
  char32_t smallest;
};

Form form_of(unsigned char lead) {
  if (lead < 0x80) {
    return {1, lead, 0};
  }
  if ((lead & 0xE0) == 0xC0) {
    return {2, lead & 0x1FU, 0x80};
  }
  if ((lead & 0xF0) == 0xE0) {
    return {3, lead & 0x0FU, 0x800};
  }
  if ((lead & 0xF8) == 0xF0) {
    return {4, lead & 0x07U, 0x10000};
  }
  return {0, 0, 0};
}

}  // namespace

Utf8Char first_utf8(std::string_view text) {
  if (text.empty()) {
    return {};
  }
  const Form form = form_of(static_cast<unsigned char>(text.front()));
  if (form.length == 0 || text.size() < form.length) {
    return {};
  }
  char32_t code = form.lead_bits;
  for (std::size_t i = 1; i < form.length; ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if ((c & 0xC0) != 0x80) {
      return {};
    }
    code = (code << 6) | (c & 0x3FU);
  }
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  return code < form.smallest || surrogate || code > 0x10FFFF ? Utf8Char{}
                                                              : Utf8Char{code, form.length};
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = first_utf8(text).length;
    if (length == 0) {
      return false;
    }
    text.remove_prefix(length);
  }
  return true;
}

std::string_view first_characters(std::string_view text, std::size_t max) {
  if (text.size() > max) {
    while (max > 0 && (static_cast<unsigned char>(text[max]) & 0xC0) == 0x80) {
      --max;
    }
  }
  return text.substr(0, max);
}

}  // namespace berth
