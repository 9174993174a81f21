#include "examples/file-processing/path_text.h"

#include <charconv>
#include <cstdio>

#include "berth/base/utf8.h"

namespace file_processing {

std::string to_text(const std::filesystem::path& path) {
  std::string out;
  for (std::string_view rest = path.native(); !rest.empty();) {
    const berth::Utf8Char c = berth::first_utf8(rest);
    const bool control = c.code < 0x20 || (c.code >= 0x7f && c.code < 0xa0);
    const std::size_t bytes = c.length == 0 ? 1 : c.length;
    if (c.length == 0 || control || c.code == '%') {
      for (const char byte : rest.substr(0, bytes)) {
        char escaped[4];
        std::snprintf(escaped, sizeof escaped, "%%%02X", static_cast<unsigned char>(byte));
        out += escaped;
      }
    } else {
      out += rest.substr(0, bytes);
    }
    rest.remove_prefix(bytes);
  }
  return out;
}

std::optional<std::filesystem::path> from_text(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    unsigned byte = 0;
    const char* digits = text.data() + i + 1;
    if (text.size() - i < 3 || std::from_chars(digits, digits + 2, byte, 16).ptr != digits + 2) {
      return std::nullopt;
    }
    out += static_cast<char>(byte);
    i += 2;
  }
  return out;
}

}  // namespace file_processing
