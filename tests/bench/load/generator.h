#pragma once

#include <string>
#include <vector>

#include "berth/base/clock.h"
#include "berth/base/error.h"
#include "tests/bench/load/session_requests.h"

namespace berth::bench {

/// One session that was opened and kept.
struct Created {
  std::string id;
  std::string answer;  ///< The body of the create's answer.
};

struct LoadResult {
  std::uint64_t requests = 0;  ///< Answered as they should be, within the time.
  std::uint64_t failed = 0;    ///< Answered otherwise, or not at all.
  std::string first_failure;
  double seconds = 0;
  std::vector<double> create_ms;  ///< One for each create that was answered.
  std::vector<Created> created;   ///< Of create_all() only.

  double rate() const { return seconds > 0 ? static_cast<double>(requests) / seconds : 0; }
  /// 0 when there is none. `share` in [0, 1].
  double create_percentile(double share) const;
};

/// Closed loop: each of `connections` opens a session, completes it, and begins again. Both
/// requests count. Runs on the calling thread, at most 10 s longer than `duration`; so do the
/// others.
Result<LoadResult> closed_loop(const Target& target, int connections, Duration duration);

/// Open loop: sessions begin at random times (Poisson, the same in each run) at this mean rate
/// whether or not earlier ones are answered. A create's latency counts from the moment at which it
/// should have been sent, so a stall of the server, or of this generator, is in every create that
/// had to wait for it. At most `connections` are used; beyond that creates wait, and it counts.
Result<LoadResult> open_loop(const Target& target, double sessions_per_second, int connections,
                             Duration duration);

/// Each of `callers` opens `each` sessions, one after another, and keeps them. `seconds` is from
/// the first request to the last answer.
Result<LoadResult> create_all(const Target& target, int callers, int each);

/// Completes sessions that create_all() kept, one after another.
Status complete_all(const Target& target, const std::vector<Created>& created);

/// One request, answered with `status`: its body. `raw` gets the whole answer if given.
Result<std::string> ask(const Target& target, std::string request, int status,
                        std::string* raw = nullptr);

/// An id that no other call gave, always of the same length. Thread-safe.
std::string new_session_id();

}  // namespace berth::bench
