#include <cstdio>

#include "tests/bench/figures/figures.h"
#include "tests/bench/figures/rate_comparison.h"
#include "tests/bench/load/generator.h"
#include "tests/bench/stand/echo.h"

namespace berth::bench {
namespace {

constexpr int kOpenConnections = 256;
constexpr auto kOpenLoop = std::chrono::seconds(8);
constexpr double kRequestsPerSession = 2;

}  // namespace

Status measure_gateway_rate(const Places& places, const Stack& stack, Report& report) {
  const std::filesystem::path dir = places.dir / "gateway-echo";
  std::error_code ignored;
  std::filesystem::create_directories(dir, ignored);
  BERTH_ASSIGN(const Echo echo, Echo::like(stack.gateway(), places.bin, dir));
  BERTH_ASSIGN(const Comparison result, compare_rates({stack.gateway(), stack.gateway_pid()},
                                                      {echo.target(), echo.pid()}, report));
  BERTH_TRY(report.add({"gateway create+complete, share of the same echo", result.ratio, "ratio",
                        Figure::Wanted::kAtLeast, 0.15}));

  const double rate = result.peak / 2 / kRequestsPerSession;
  BERTH_ASSIGN(const LoadResult open,
               open_loop(stack.gateway(), rate, kOpenConnections, kOpenLoop));
  if (open.failed > 0) {
    return fail(
        Error::internal(std::to_string(open.failed) +
                        " sessions failed in the open loop, the first: " + open.first_failure));
  }
  char text[160];
  std::snprintf(
      text, sizeof text,
      "open loop, %.0f sessions/s, %zu creates: p50 %.2f ms, p90 %.2f, p99 %.2f, p99.9 %.2f", rate,
      open.create_ms.size(), open.create_percentile(0.5), open.create_percentile(0.9),
      open.create_percentile(0.99), open.create_percentile(0.999));
  report.note(text);
  return report.add({"gateway p99 of create, open loop, half the peak",
                     open.create_percentile(0.99), "ms", Figure::Wanted::kAtMost, 5});
}

}  // namespace berth::bench
