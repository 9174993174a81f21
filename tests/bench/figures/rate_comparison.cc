#include "tests/bench/figures/rate_comparison.h"

#include <algorithm>
#include <cstdio>
#include <vector>

#include "tests/bench/load/generator.h"
#include "tests/bench/stand/usage.h"

namespace berth::bench {
namespace {

constexpr int kRounds = 7;
constexpr int kConnections = 32;
constexpr auto kRound = std::chrono::milliseconds(1000);
constexpr auto kWarmUp = std::chrono::milliseconds(300);

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

struct Rates {
  std::vector<double> rates;
  double cpu = 0;
  double requests = 0;
  double seconds = 0;

  Status load(const Contestant& who) {
    const double before = cpu_seconds(who.pid);
    BERTH_ASSIGN(const LoadResult result, closed_loop(who.target, kConnections, kRound));
    if (result.failed > 0) {
      return fail(Error::internal(std::to_string(result.failed) +
                                  " requests failed, the first: " + result.first_failure));
    }
    rates.push_back(result.rate());
    cpu += cpu_seconds(who.pid) - before;
    requests += static_cast<double>(result.requests);
    seconds += result.seconds;
    return {};
  }

  double microseconds() const { return 1e6 * cpu / requests; }
  std::string text(const char* name) const {
    char out[160];
    std::snprintf(out, sizeof out,
                  "%-9s %8.0f requests/s, %.1f us of CPU a request, core %.0f %% used", name,
                  median(rates), microseconds(), 100 * cpu / seconds);
    return out;
  }
};

}  // namespace

Result<Comparison> compare_rates(const Contestant& subject, const Contestant& yardstick,
                                 Report& report) {
  BERTH_TRY(closed_loop(subject.target, kConnections, kWarmUp));
  BERTH_TRY(closed_loop(yardstick.target, kConnections, kWarmUp));
  Rates of_subject;
  Rates of_yardstick;
  std::vector<double> ratios;
  for (int round = 0; round < kRounds; ++round) {
    BERTH_TRY(of_yardstick.load(yardstick));
    BERTH_TRY(of_subject.load(subject));
    ratios.push_back(of_subject.rates.back() / of_yardstick.rates.back());
  }
  report.note(of_yardstick.text("echo"));
  report.note(of_subject.text("subject"));
  char cpu[120];
  std::snprintf(cpu, sizeof cpu,
                "ratio by CPU time a request: %.3f; by rate, lowest and highest round: %.3f %.3f",
                of_yardstick.microseconds() / of_subject.microseconds(),
                *std::min_element(ratios.begin(), ratios.end()),
                *std::max_element(ratios.begin(), ratios.end()));
  report.note(cpu);
  return Comparison{median(ratios), median(of_subject.rates), median(of_yardstick.rates)};
}

}  // namespace berth::bench
