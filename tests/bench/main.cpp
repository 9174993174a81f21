// berth-bench BIN_DIR WORK_DIR RESULTS_FILE [worker|stack|creations]
//
// Measures the rows of docs/figures.md; see tests/bench/README.md.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>

#include "tests/bench/figures/figures.h"
#include "tests/bench/stand/usage.h"

using namespace berth;
using namespace berth::bench;

namespace {

void step(Report& report, const char* name, const std::function<Status()>& measure) {
  std::printf("%s\n", name);
  std::fflush(stdout);
  if (const Status done = measure(); !done) {
    report.failed(name, done.error());
  }
}

Status measure_stack(const Places& places, Report& report) {
  BERTH_ASSIGN(const auto stack, Stack::start({places.bin, places.dir / "stack", 1, 1000}));
  step(report, "operator, idle, 1 pool", [&] { return measure_idle_operator(*stack, report); });
  step(report, "gateway", [&] { return measure_gateway_rate(places, *stack, report); });
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4 || argc > 5) {
    std::cerr << "usage: berth-bench BIN_DIR WORK_DIR RESULTS_FILE [worker|stack|creations]\n";
    return 2;
  }
  ::signal(SIGPIPE, SIG_IGN);
  const std::string only = argc == 5 ? argv[4] : "";
  const Places places{std::filesystem::absolute(argv[1]), std::filesystem::absolute(argv[2])};
  Report report(argv[3]);
  pin_this_thread(load_core());
  if (only.empty() || only == "worker") {
    step(report, "worker", [&] { return measure_worker_rate(places, report); });
  }
  if (only.empty() || only == "stack") {
    step(report, "one pool, one worker", [&] { return measure_stack(places, report); });
  }
  if (only.empty() || only == "creations") {
    step(report, "creations", [&] { return measure_creations(places, report); });
  }
  const char* command = std::getenv("BERTH_BENCH_COMMAND");
  return report.finish(command != nullptr ? command : argv[0]) ? 0 : 1;
}
