#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "berth/base/error.h"

namespace berth::bench {

/// One measured number and what was to be reached.
struct Figure {
  enum class Wanted { kAtLeast, kAtMost, kBelow };
  std::string name;
  double value = 0;
  std::string unit;
  Wanted wanted = Wanted::kAtLeast;
  double reach = 0;

  bool met() const;
  /// ">= 0.5".
  std::string reach_text() const;
};

/// Where measurements go: figures as one JSON object a line at the end of a file, as soon as they
/// are known, and all of it as text on stdout.
class Report {
 public:
  explicit Report(std::filesystem::path file) : file_(std::move(file)) {}

  Status add(const Figure& figure);
  /// A number that explains a figure: on stdout only.
  void note(const std::string& text);
  /// A measurement that could not be made.
  void failed(const std::string& name, const Error& error);
  /// Machine, command and the table. True when everything was measured; a figure that was measured
  /// and missed stands in the table as MISSED.
  bool finish(const std::string& command) const;

 private:
  std::filesystem::path file_;
  std::vector<Figure> figures_;
  std::vector<std::string> failures_;
};

}  // namespace berth::bench
