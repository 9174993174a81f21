#include "tests/bench/stand/usage.h"

#include <sched.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace berth::bench {

double cpu_seconds(pid_t pid) {
  double nanoseconds = 0;
  std::error_code ec;
  const std::filesystem::path tasks = "/proc/" + std::to_string(pid) + "/task";
  for (const auto& task : std::filesystem::directory_iterator(tasks, ec)) {
    double running = 0;
    std::ifstream(task.path() / "schedstat") >> running;
    nanoseconds += running;
  }
  return nanoseconds / 1e9;
}

std::uint64_t resident_bytes(pid_t pid) {
  std::uint64_t size = 0;
  std::uint64_t resident = 0;
  std::ifstream("/proc/" + std::to_string(pid) + "/statm") >> size >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

int server_core() {
  return 0;
}
int load_core() {
  return ::sysconf(_SC_NPROCESSORS_ONLN) > 1 ? 1 : 0;
}

void pin_this_thread(int core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  ::sched_setaffinity(0, sizeof set, &set);
}

}  // namespace berth::bench
