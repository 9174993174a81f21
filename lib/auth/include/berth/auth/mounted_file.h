#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "berth/base/error.h"
#include "berth/base/event_loop.h"
#include "berth/observe/log.h"

namespace berth::auth {

/// Keeps something equal to a file that is mounted (ConfigMap, Secret), looking every `period`
/// whether it changed. The first load happens in start(), whose error says what is wrong; later
/// failures are logged, once per kind, and what was loaded stays. Loop thread only.
class MountedFile {
 public:
  virtual ~MountedFile() = default;
  MountedFile(const MountedFile&) = delete;
  MountedFile& operator=(const MountedFile&) = delete;

  Status start();
  /// Called after each later load of something else.
  void on_change(std::function<void()> fn) { changed_ = std::move(fn); }

 protected:
  /// `stays`: the log line of a failure, "key set not loaded; the old keys stay".
  MountedFile(EventLoop& loop, std::filesystem::path path, const Log& log, Duration period,
              const char* stays);
  /// Reads the file, and those that belong to it; true when there was something else in it than
  /// before.
  virtual Result<bool> load() = 0;

  const std::filesystem::path path_;
  const Log log_;

 private:
  void tick();
  EventLoop& loop_;
  const Duration period_;
  const char* const stays_;
  std::function<void()> changed_;
  std::string trouble_;  // What the last look found wrong, already logged.
  Cancel timer_;
};

}  // namespace berth::auth
