#pragma once

#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "berth/base/clock.h"
#include "berth/base/error.h"
#include "berth/base/json.h"

namespace berth::bench {

/// A program under measurement, on one core, its output in a log file. Ended with the object, and
/// with the thread that started it.
class Child {
 public:
  struct Spec {
    std::string name;  ///< Of `<dir>/<name>.log` and `<name>.ports`.
    std::filesystem::path program;
    std::vector<std::string> args;  ///< Without argv[0].
    std::filesystem::path dir;
    int core = 0;
  };
  /// Starts it and waits until it has written its port file (20 s). The error holds its last words.
  static Result<std::unique_ptr<Child>> start(const Spec& spec);
  /// SIGTERM, after five seconds SIGKILL; waits.
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// `<dir>/<name>.ports`: where the caller tells the program to write its ports.
  static std::filesystem::path port_file(const Spec& spec);
  const Json& ports() const { return ports_; }
  pid_t pid() const { return pid_; }

 private:
  explicit Child(pid_t pid) : pid_(pid) {}
  bool ended();

  pid_t pid_;
  bool gone_ = false;
  Json ports_;
};

/// "127.0.0.1:7070" as its port; 0 if it has none.
std::uint16_t port_of(const std::string& address);

}  // namespace berth::bench
