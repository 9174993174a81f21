#pragma once

#include <memory>

#include "tests/bench/load/session_requests.h"
#include "tests/bench/stand/child.h"

namespace berth::bench {

/// Opens and completes one session at `subject`, records both answers, and starts a bare Beast
/// server on the servers' core that gives just these bytes to the same requests.
class Echo {
 public:
  static Result<Echo> like(const Target& subject, const std::filesystem::path& bin,
                           const std::filesystem::path& dir);
  const Target& target() const { return target_; }
  pid_t pid() const { return child_->pid(); }

 private:
  Target target_;
  std::unique_ptr<Child> child_;
};

}  // namespace berth::bench
