#include "cli/text/table.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iterator>

#include "berth/base/utf8.h"
#include "cli/text/width.h"
#include "devcluster/node/plain_path.h"

namespace berth::cli {

namespace {

// Control characters, and those that turn the direction of what follows.
bool plays_with_terminals(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || (c >= 0x202A && c <= 0x202E) ||
         (c >= 0x2066 && c <= 0x2069);
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const Utf8Char c = first_utf8(text);
    const std::size_t length = std::max<std::size_t>(1, c.length);
    if (c.length == 0 || plays_with_terminals(c.code)) {
      out += '?';
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
  return out;
}

void Table::add(std::vector<std::string> row) {
  std::transform(row.begin(), row.end(), row.begin(),
                 [](const std::string& cell) { return printable(cell); });
  rows_.push_back(std::move(row));
}

namespace {

constexpr std::string_view kGood[] = {"Active",    "Open",  "Ready",       "Running",
                                      "SlotsFree", "Fixed", "ScaledToZero"};
constexpr std::string_view kPassing[] = {"Cordoned", "Draining", "Ending",   "Starting",
                                         "Retired",  "Pending",  "Deleting", "Terminating",
                                         "Full",     "Paused"};
constexpr std::string_view kBad[] = {"Failed",      "Unreadable", "NoWorkers",
                                     "InvalidSpec", "PodRefused", "Error"};

// An escape sequence, or nothing for what is no state that we know.
std::string_view colour_of(std::string_view state) {
  const auto among = [state](const auto& list) {
    return std::find(std::begin(list), std::end(list), state) != std::end(list);
  };
  return among(kGood) ? "\x1b[32m" : among(kPassing) ? "\x1b[33m" : among(kBad) ? "\x1b[31m" : "";
}

bool holds_states(std::string_view header) {
  return header == "STATE" || header == "STATUS" || header == "PHASE";
}

}  // namespace

std::string Table::text(bool coloured) const {
  std::vector<std::size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], display_width(row[i]));
    }
  }
  std::string out;
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string_view colour =
          coloured && holds_states(rows_.front()[i]) ? colour_of(row[i]) : "";
      line.append(colour).append(row[i]).append(colour.empty() ? "" : "\x1b[0m");
      line.append(widths[i] - display_width(row[i]) + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
  }
  return out;
}

std::string shell_word(const std::string& text) {
  if (!text.empty() && devcluster::is_plain(text)) {
    return text;
  }
  std::string out = "'";
  for (const char c : text) {
    out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return out + "'";
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

std::string short_bytes(double bytes) {
  std::size_t unit = 0;
  constexpr std::string_view kUnits[] = {"", "Ki", "Mi", "Gi", "Ti"};
  while (bytes >= 1024 && unit + 1 < std::size(kUnits)) {
    bytes /= 1024;
    ++unit;
  }
  char text[32];
  std::snprintf(text, sizeof text, unit == 0 || bytes >= 9.95 ? "%.0f" : "%.1f", bytes);
  return text + std::string(kUnits[unit]);
}

}  // namespace berth::cli
