#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace berth::cli {

/// Columns aligned by the widest cell, two spaces apart, as kubectl prints; no spaces at the end of
/// a line. Cells are made printable().
class Table {
 public:
  explicit Table(std::vector<std::string> header) { add(std::move(header)); }
  void add(std::vector<std::string> row);
  /// `coloured`: states (columns STATE, STATUS) in green, yellow or red.
  std::string text(bool coloured = false) const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

/// `text` with everything replaced by '?' with which a name from a server could play with the
/// terminal: control characters, turns of direction, what is no UTF-8.
std::string printable(std::string_view text);
/// One word for a shell, quoted where it must be: for commands that people copy.
std::string shell_word(const std::string& text);
/// "5s", "3m", "2h", "4d": the age column of kubectl.
std::string short_age(double seconds);
/// "0", "512", "3.4Ki", "20Mi", "1.2Gi".
std::string short_bytes(double bytes);

}  // namespace berth::cli
