#pragma once

#include <map>
#include <string>

#include "berth/api/activity.h"
#include "berth/api/resources.h"
#include "berth/api/session.h"
#include "berth/observe/metrics.h"

namespace berth::worker {

/// The series of design §9 that a worker shows. Labels come from enums, the pool's resources and
/// its activity types.
class WorkerMetrics {
 public:
  explicit WorkerMetrics(Metrics& metrics);

  void show(const api::Slots& slots, std::int64_t open);
  void created() const { created_.inc(); }
  void ended(api::EndReason reason, Duration lasted);
  /// `reason`: "NoFreeSlot", "Cordoned" and the like; anything else counts as "Other".
  void rejected(std::string_view reason);
  /// A call whose token did not open the door; `reason` as in the answer's code.
  void token_refused(std::string_view reason);
  void activity_started(const std::string& type);
  void activity_finished(const std::string& type, api::ActivityState outcome, Duration lasted);
  void stuck_activities(std::size_t n) const { stuck_.set(static_cast<double>(n)); }
  void stalled(Duration d) const;

 private:
  Metrics& metrics_;
  Gauge open_;
  Gauge cordoned_;
  Gauge stuck_;
  Counter created_;
  Counter stall_seconds_;
  Histogram duration_;
  std::map<std::string, std::pair<Gauge, Gauge>> slots_;  ///< Capacity and use by resource.
  std::map<std::string, Counter, std::less<>> rejections_;
  std::map<std::string, Counter, std::less<>> refused_tokens_;
  std::map<api::EndReason, Counter> ended_;
  std::map<std::string, Gauge> running_;
  std::map<std::pair<std::string, api::ActivityState>, Histogram> activity_duration_;
};

}  // namespace berth::worker
