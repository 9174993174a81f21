#pragma once

#include <string>
#include <vector>

namespace berth::cli {

/// Columns aligned by the widest cell, two spaces apart, as kubectl prints. Control characters in
/// cells are replaced, so that a name from a server cannot play with the terminal.
class Table {
 public:
  explicit Table(std::vector<std::string> header) { rows_.push_back(std::move(header)); }
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

/// `text` without control characters.
std::string printable(std::string text);
/// "5s", "3m", "2h", "4d": the age column of kubectl.
std::string short_age(double seconds);

}  // namespace berth::cli
