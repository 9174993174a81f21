#pragma once

#include <cstdint>
#include <string>

#include "berth/base/clock.h"
#include "berth/base/json.h"

namespace berth::kube {

/// The part of a Lease's spec that election is about.
struct LeaseRecord {
  std::string holder;  ///< Empty: given back.
  Duration duration{};
  std::int64_t transitions = 0;

  /// Lenient: what is missing or out of range becomes empty, zero, or `fallback`. A duration over
  /// an hour is cut to it, so that no record blocks an election for good.
  static LeaseRecord read(const Json& lease, Duration fallback);
};

/// Standbys wait up to this much of a retry longer, so that they do not all ask at once.
inline constexpr double kStandbyJitter = 1.2;

/// A Lease as one process has seen it over time, judged by that process's own clock: never by the
/// times written in it.
class ObservedLease {
 public:
  void see(const Json& lease, TimePoint now, Duration fallback_duration);
  /// Someone else was named in it last.
  bool other_holder(const std::string& identity) const {
    return !record_.holder.empty() && record_.holder != identity;
  }
  /// Someone else holds it, and its record changed less than its duration ago.
  bool held_by_other(const std::string& identity, TimePoint now) const;
  /// The term of whoever takes it next; 0 when no record was ever seen.
  std::int64_t next_term() const;
  const LeaseRecord& record() const { return record_; }

 private:
  LeaseRecord record_;
  std::string raw_;
  TimePoint changed_at_{};
};

/// leaseTransitions is an int32 in the API.
inline constexpr std::int64_t kMaxTransitions = 2147483647;

/// A write that failed like this may have been carried out all the same.
inline bool may_have_happened(const Error& e) {
  return e.code == ErrorCode::kDeadlineExceeded || e.reason == "ConnectionLost";
}

/// A new Lease object without a spec.
Json make_lease(const std::string& ns, const std::string& name);
/// Writes the election's fields into a Lease and leaves all others as they are. `taken`: the holder
/// is new, so acquireTime is set too.
void write_record(Json& lease, const LeaseRecord& record, WallTime now, bool taken);

}  // namespace berth::kube
