#include "cli/text/table.h"

#include <algorithm>
#include <cmath>

namespace berth::cli {

std::string printable(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      c = '?';
    }
  }
  return text;
}

std::string Table::text() const {
  std::vector<std::size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], row[i].size());
    }
  }
  std::string out;
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      out += printable(row[i]);
      if (i + 1 < row.size()) {
        out.append(widths[i] - row[i].size() + 2, ' ');
      }
    }
    out += '\n';
  }
  return out;
}

std::string short_age(double seconds) {
  const auto whole = static_cast<long long>(std::max(0.0, std::floor(seconds)));
  if (whole < 120) {
    return std::to_string(whole) + "s";
  }
  if (whole < 2LL * 3600) {
    return std::to_string(whole / 60) + "m";
  }
  if (whole < 2LL * 86400) {
    return std::to_string(whole / 3600) + "h";
  }
  return std::to_string(whole / 86400) + "d";
}

}  // namespace berth::cli
