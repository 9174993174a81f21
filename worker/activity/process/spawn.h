#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "berth/base/error.h"
#include "berth/base/file.h"

namespace berth::worker {

/// What the kernel shall hold a process to. Zero: no limit of ours.
struct ProcessLimits {
  std::int64_t memory_bytes = 0;  ///< RLIMIT_AS
  std::int64_t cpu_seconds = 0;   ///< RLIMIT_CPU; SIGXCPU there, SIGKILL one second later.
  std::int64_t file_bytes = 0;    ///< RLIMIT_FSIZE
};

struct SpawnSpec {
  std::vector<std::string> argv;  ///< A name without '/' is looked up in the PATH of `env`.
  std::vector<std::string> env;   ///< "NAME=value", the whole environment.
  std::filesystem::path directory;
  ProcessLimits limits;
  std::uint64_t limit_mark = 0;  ///< See marker.h.
  bool with_stdin = false;       ///< A pipe, else /dev/null.
  bool with_progress = false;    ///< A fourth pipe, descriptor 3 of the child.
};

/// A started child and our ends of its pipes, all non-blocking and close-on-exec. The caller reaps
/// it.
struct Spawned {
  pid_t pid = 0;   ///< Also the number of its process group and session.
  UniqueFd pidfd;  ///< Readable when it has exited.
  UniqueFd in;     ///< To its stdin.
  UniqueFd out;    ///< From its stdout.
  UniqueFd err;    ///< From its stderr.
  UniqueFd progress;
};

/// Starts a program as leader of a session of its own (so it has no terminal and one signal reaches
/// its group), with default signal handling and no descriptor but 0-2 (and 3). Returns when the
/// program runs, or could not be started: kNotFound "CommandNotFound", kPermissionDenied
/// "CommandNotFound" (not executable), else the errno's own code.
///
/// Uses vfork: a worker with a model of many gigabytes in memory starts commands as fast as a small
/// one, and without needing that memory a second time.
Result<Spawned> spawn(const SpawnSpec& spec);

}  // namespace berth::worker
