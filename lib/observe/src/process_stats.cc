#include "process_stats.h"

#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "berth/base/file.h"

namespace berth::observe {
namespace {

// Fields of /proc/self/stat by their numbers in proc(5), from 3 (state) on: the name before them
// may hold spaces.
std::vector<std::string> stat_fields() {
  std::vector<std::string> fields(3);
  const auto text = read_file("/proc/self/stat", 64U << 10);
  const auto name_end = text ? text->rfind(')') : std::string::npos;
  if (name_end == std::string::npos) {
    return fields;
  }
  std::istringstream rest(text->substr(name_end + 1));
  for (std::string word; rest >> word;) {
    fields.push_back(word);
  }
  return fields;
}

double boot_time_seconds() {
  // /proc/stat has a line per CPU and one with a number per interrupt: long on large machines.
  const auto text = read_file("/proc/stat", 8u << 20);
  const auto at = text ? text->find("\nbtime ") : std::string::npos;
  return at == std::string::npos ? 0 : std::strtod(text->c_str() + at + 7, nullptr);
}

double count_open_fds() {
  std::error_code ec;
  double count = 0;
  const std::filesystem::directory_iterator end;
  for (std::filesystem::directory_iterator it("/proc/self/fd", ec); !ec && it != end;
       it.increment(ec)) {
    ++count;
  }
  // The listing itself holds one.
  return count > 0 ? count - 1 : 0;
}

}  // namespace

ProcessStats read_process_stats() {
  const auto fields = stat_fields();
  const auto field = [&](std::size_t number) {
    return number < fields.size() ? std::strtod(fields[number].c_str(), nullptr) : 0.0;
  };
  const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  ProcessStats stats;
  stats.cpu_seconds = (field(14) + field(15)) / ticks;
  stats.threads = field(20);
  stats.start_time_seconds = boot_time_seconds() + field(22) / ticks;
  stats.virtual_bytes = field(23);
  stats.resident_bytes = field(24) * static_cast<double>(::sysconf(_SC_PAGESIZE));
  stats.open_fds = count_open_fds();
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    stats.max_fds = static_cast<double>(limit.rlim_cur);
  }
  return stats;
}

}  // namespace berth::observe
