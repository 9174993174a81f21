#pragma once

#include <string>

#include "berth/observe/log.h"

namespace berth::temporal {

/// A token in a file that others replace now and then. Read at each question; while it cannot be
/// read the last one is given, and the log says so once. One thread.
class SecretFile {
 public:
  SecretFile(std::string path, Log log) : path_(std::move(path)), log_(std::move(log)) {}

  /// Without the line's end. Empty without a path.
  std::string get();
  /// That it can be read now.
  Status check();

 private:
  Result<std::string> read() const;

  const std::string path_;
  Log log_;
  std::string last_;
  bool told_ = false;
};

}  // namespace berth::temporal
