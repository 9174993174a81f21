#include "tests/bench/report/report.h"

#include <sys/utsname.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "berth/base/json.h"

namespace berth::bench {
namespace {

std::string short_number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

std::string cpu_model() {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("model name")) {
      return line.substr(line.find(':') + 2);
    }
  }
  return "unknown";
}

}  // namespace

bool Figure::met() const {
  switch (wanted) {
    case Wanted::kAtLeast:
      return value >= reach;
    case Wanted::kAtMost:
      return value <= reach;
    case Wanted::kBelow:
      return value < reach;
  }
  return false;
}

std::string Figure::reach_text() const {
  const char* sign = wanted == Wanted::kAtLeast ? ">= " : wanted == Wanted::kAtMost ? "<= " : "< ";
  return sign + short_number(reach);
}

Status Report::add(const Figure& figure) {
  figures_.push_back(figure);
  const Json line = {{"name", figure.name},
                     {"value", figure.value},
                     {"unit", figure.unit},
                     {"reach", figure.reach_text()},
                     {"met", figure.met()}};
  std::ofstream out(file_, std::ios::app);
  out << dump_json(line) << '\n' << std::flush;
  if (!out) {
    return fail(Error::internal("cannot write " + file_.string()));
  }
  return {};
}

void Report::note(const std::string& text) {
  std::printf("  %s\n", text.c_str());
  std::fflush(stdout);
}

void Report::failed(const std::string& name, const Error& error) {
  failures_.push_back(name + ": " + error.text());
  std::printf("  NOT MEASURED: %s\n", error.text().c_str());
  std::fflush(stdout);
}

bool Report::finish(const std::string& command) const {
  utsname system{};
  ::uname(&system);
  double load[3] = {};
  ::getloadavg(load, 3);
  std::printf(
      "\nmachine   %s, %u cores, Linux %s\ncommand   %s\nload      %.1f over the last minute\n\n",
      cpu_model().c_str(), std::thread::hardware_concurrency(), system.release, command.c_str(),
      load[0]);
  for (const Figure& f : figures_) {
    std::printf("%-6s  %-48s %10s %-8s reach %s\n", f.met() ? "met" : "MISSED", f.name.c_str(),
                short_number(f.value).c_str(), f.unit.c_str(), f.reach_text().c_str());
  }
  for (const std::string& failure : failures_) {
    std::printf("NOT MEASURED  %s\n", failure.c_str());
  }
  return failures_.empty();
}

}  // namespace berth::bench
