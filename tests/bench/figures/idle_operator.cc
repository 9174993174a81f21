#include <algorithm>
#include <cstdio>
#include <thread>

#include "tests/bench/figures/figures.h"
#include "tests/bench/stand/usage.h"

namespace berth::bench {
namespace {

// Until what follows from the start (status, events) is written.
constexpr auto kSettle = std::chrono::seconds(6);
constexpr auto kIdle = std::chrono::seconds(25);

}  // namespace

Status measure_idle_operator(const Stack& stack, Report& report) {
  std::this_thread::sleep_for(kSettle);
  const pid_t pid = stack.operator_pid();
  const Stack::Writes before = stack.writes();
  BERTH_ASSIGN(const std::uint64_t asked_before, stack.operator_write_requests());
  const double cpu_before = cpu_seconds(pid);
  std::this_thread::sleep_for(kIdle);
  const double cpu = cpu_seconds(pid) - cpu_before;
  BERTH_ASSIGN(const std::uint64_t asked_after, stack.operator_write_requests());
  const Stack::Writes after = stack.writes();
  const double resident = static_cast<double>(resident_bytes(pid)) / 1e6;

  // A write that changes nothing is no change at the server, but the operator counts it.
  const std::uint64_t leases = after.leases - before.leases;
  const std::uint64_t asked = asked_after - asked_before;
  const std::uint64_t unseen = asked > leases ? asked - leases : 0;
  const std::uint64_t writes = std::max(after.others - before.others, unseen);
  char text[120];
  std::snprintf(text, sizeof text, "in 25 s: %llu Lease renewals, %llu write requests in all",
                static_cast<unsigned long long>(leases), static_cast<unsigned long long>(asked));
  report.note(text);
  if (leases == 0 || cpu <= 0) {
    return fail(Error::internal("the operator renewed no Lease or used no time: it does not run"));
  }
  using Wanted = Figure::Wanted;
  BERTH_TRY(report.add({"operator idle, resident memory", resident, "MB", Wanted::kBelow, 15}));
  BERTH_TRY(report.add({"operator idle, API writes but Lease renewals", static_cast<double>(writes),
                        "writes", Wanted::kAtMost, 0}));
  return report.add({"operator idle, share of a core",
                     100 * cpu / std::chrono::duration<double>(kIdle).count(), "%", Wanted::kBelow,
                     0.5});
}

}  // namespace berth::bench
