#pragma once

#include <filesystem>

#include "tests/bench/report/report.h"
#include "tests/bench/stand/stack.h"

/// One function for each row of docs/figures.md. Each adds its figures to the report; an error says
/// why they could not be measured. They run on the load's core.
namespace berth::bench {

struct Places {
  std::filesystem::path bin;  ///< The programs.
  std::filesystem::path dir;  ///< For state and logs of the runs.
};

/// Create + complete of a worker, against the yardstick.
Status measure_worker_rate(const Places& places, Report& report);
/// Create + complete through a gateway, against the yardstick; then the open loop.
Status measure_gateway_rate(const Places& places, const Stack& stack, Report& report);
/// Memory, writes and processor time of an operator that has nothing to do.
Status measure_idle_operator(const Stack& stack, Report& report);
/// 4,000 creations by 40 callers on 100 workers of 40 slots.
Status measure_creations(const Places& places, Report& report);

}  // namespace berth::bench
