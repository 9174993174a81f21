#include "berth/base/open_files.h"

#include <sys/resource.h>

#include <algorithm>

namespace berth {
namespace {

constexpr rlim_t kEnough = 1u << 20;

}  // namespace

std::uint64_t open_file_limit() {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  return files.rlim_cur;
}

void raise_open_file_limit() {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = std::max(files.rlim_cur, std::min(files.rlim_max, kEnough));
  ::setrlimit(RLIMIT_NOFILE, &files);
}

}  // namespace berth
