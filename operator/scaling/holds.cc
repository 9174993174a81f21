#include "operator/scaling/holds.h"

#include <algorithm>
#include <cmath>

namespace berth::op {
namespace {

constexpr Duration kFirstHold = std::chrono::seconds(1);
constexpr Duration kLongestHold = std::chrono::minutes(5);
constexpr std::int64_t kAlwaysUnschedulable = 5;

Duration hold_after(int failures) {
  const double factor = std::pow(2.0, std::min(failures - 1, 20));
  return std::min<Duration>(kLongestHold,
                            std::chrono::duration_cast<Duration>(kFirstHold * factor));
}

}  // namespace

std::optional<Hold> creation_hold(const Observed& observed, const History& history,
                                  const std::string& revision, TimePoint now) {
  const auto failed = history.failures.find(revision);
  if (failed != history.failures.end()) {
    const TimePoint until = failed->second.last + hold_after(failed->second.in_a_row);
    if (now < until) {
      return Hold{0, ScalingLimit::kFailures, until};
    }
  }
  bool stuck = false;
  std::int64_t unplaced = 0;
  std::int64_t present = 0;
  for (const Worker& w : observed.workers) {
    if (w.revision != revision || w.deleting || w.finished) {
      continue;
    }
    stuck |= w.unschedulable;
    // While some find no node, those that the scheduler has not looked at yet will hardly find one.
    unplaced += w.unschedulable || (w.node.empty() && w.never_started) ? 1 : 0;
    present += w.present() ? 1 : 0;
  }
  if (!stuck) {
    return std::nullopt;
  }
  const std::int64_t most = std::max(kAlwaysUnschedulable, (present + 3) / 4);
  return Hold{std::max<std::int64_t>(0, most - unplaced), ScalingLimit::kUnschedulable,
              std::nullopt};
}

void count_failures(const Observed& observed, TimePoint now, History& history) {
  std::set<std::string> still_there;
  std::set<std::string> revisions = {observed.revision};
  for (const Worker& w : observed.workers) {
    revisions.insert(w.revision);
    // A deleted pod is finished for a moment before it is gone: that is its end, not a failure.
    if (w.finished && w.deleting) {
      continue;
    }
    if (w.finished) {
      still_there.insert(w.uid);
      if (!history.failed_uids.contains(w.uid)) {
        Failures& row = history.failures[w.revision];
        ++row.in_a_row;
        row.last = now;
      }
      continue;
    }
    const auto row = history.failures.find(w.revision);
    if (row != history.failures.end() && w.ready && w.created_at > row->second.last) {
      history.failures.erase(row);
    }
  }
  history.failed_uids = std::move(still_there);
  std::erase_if(history.failures, [&](const auto& f) { return !revisions.contains(f.first); });
}

}  // namespace berth::op
