#pragma once

#include <sys/types.h>

#include <string>

#include "tests/bench/load/session_requests.h"
#include "tests/bench/report/report.h"

namespace berth::bench {

struct Contestant {
  Target target;
  pid_t pid = 0;
};

struct Comparison {
  double ratio = 0;      ///< Median over the rounds of subject's rate / yardstick's rate.
  double peak = 0;       ///< The subject's median rate, requests per second.
  double yardstick = 0;  ///< The yardstick's.
};

/// Loads the two in turns, so that what else the machine does hits both, and compares the rates of
/// each round. Notes processor time per request too, which other load disturbs less.
Result<Comparison> compare_rates(const Contestant& subject, const Contestant& yardstick,
                                 Report& report);

}  // namespace berth::bench
