#include "lib/kube/src/lease_record.h"

#include <algorithm>

namespace berth::kube {
namespace {

using namespace std::chrono_literals;
constexpr std::int64_t kLongestSeconds = 3600;

}  // namespace

LeaseRecord LeaseRecord::read(const Json& lease, Duration fallback) {
  LeaseRecord out;
  out.duration = fallback;
  const Json* spec = find(lease, "spec");
  if (spec == nullptr) {
    return out;
  }
  out.holder = get_string(*spec, "holderIdentity").value_or("");
  if (const auto seconds = get_int(*spec, "leaseDurationSeconds"); seconds && *seconds > 0) {
    out.duration = std::chrono::seconds(std::min(*seconds, kLongestSeconds));
  }
  out.transitions =
      std::clamp<std::int64_t>(get_int(*spec, "leaseTransitions").value_or(0), 0, kMaxTransitions);
  return out;
}

void ObservedLease::see(const Json& lease, TimePoint now, Duration fallback_duration) {
  const Json* spec = find(lease, "spec");
  std::string raw = spec != nullptr ? dump_json(*spec) : "none";
  if (raw != raw_) {
    raw_ = std::move(raw);
    changed_at_ = now;
  }
  record_ = LeaseRecord::read(lease, fallback_duration);
}

bool ObservedLease::held_by_other(const std::string& identity, TimePoint now) const {
  return other_holder(identity) && now < changed_at_ + record_.duration;
}

std::int64_t ObservedLease::next_term() const {
  return raw_.empty() ? 0 : std::min(record_.transitions + 1, kMaxTransitions);
}

Json make_lease(const std::string& ns, const std::string& name) {
  return {{"apiVersion", "coordination.k8s.io/v1"},
          {"kind", "Lease"},
          {"metadata", {{"namespace", ns}, {"name", name}}}};
}

void write_record(Json& lease, const LeaseRecord& record, WallTime now, bool taken) {
  Json& spec = lease["spec"];
  if (!spec.is_object()) {
    spec = Json::object();
  }
  spec["holderIdentity"] = record.holder;
  spec["leaseDurationSeconds"] =
      std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::seconds>(record.duration).count());
  spec["leaseTransitions"] = record.transitions;
  spec["renewTime"] = format_rfc3339_micro(now);
  if (taken) {
    spec["acquireTime"] = spec["renewTime"];
  }
}

}  // namespace berth::kube
