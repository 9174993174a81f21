#include "lib/api/src/scaling_spec.h"

#include <charconv>

#include "lib/api/src/fields.h"

namespace berth::api {
namespace {

constexpr std::int64_t kMaxWorkers = 100'000;

constexpr Named<Placement> kPlacements[] = {
    {Placement::kPacked, "Packed"},
    {Placement::kSpread, "Spread"},
};
constexpr Named<DrainPolicy> kDrainPolicies[] = {
    {DrainPolicy::kWait, "Wait"},
    {DrainPolicy::kEnd, "End"},
};

std::optional<std::int64_t> parse_percent(std::string_view text) {
  std::int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || at + 1 != end || *at != '%') {
    return std::nullopt;
  }
  return value;
}

void int_or_percent(FieldReader& r, std::string_view key, IntOrPercent& out, std::int64_t max,
                    std::int64_t max_percent) {
  const Json* v = r.take(key);
  if (v == nullptr) {
    return;
  }
  if (v->is_number_integer()) {
    const bool wraps = v->is_number_unsigned() && v->get<std::uint64_t>() > INT64_MAX;
    if (wraps || v->get<std::int64_t>() < 0 || v->get<std::int64_t>() > max) {
      r.error(key, "must be between 0 and " + std::to_string(max) + ", is " + v->dump());
    } else {
      out = {v->get<std::int64_t>(), false};
    }
    return;
  }
  if (!v->is_string()) {
    r.error(key, "must be a count like 2 or a share like \"25%\"");
    return;
  }
  const auto percent = parse_percent(v->get_ref<const std::string&>());
  if (!percent) {
    r.error(key, "must be a count like 2 or a share like \"25%\"");
  } else if (*percent < 0 || *percent > max_percent) {
    r.error(key, "must be between 0% and " + std::to_string(max_percent) + "%, is " +
                     std::to_string(*percent) + "%");
  } else {
    out = {*percent, true};
  }
}

void rate(FieldReader& r, std::string_view key, std::optional<std::int64_t>& out) {
  std::int64_t value = 0;
  r.optional(key, value, 1, kMaxWorkers);
  if (value != 0) {
    out = value;
  }
}

Status read_scale_up(const Json& object, const std::string& path, ScalingSpec& out) {
  FieldReader r(object, path);
  rate(r, "maxWorkersPerMinute", out.up_max_workers_per_minute);
  return r.finish();
}

Status read_scale_down(const Json& object, const std::string& path, ScalingSpec& out) {
  FieldReader r(object, path);
  r.duration("stabilizationWindow", out.down_stabilization_window, Duration(0),
             std::chrono::hours(24));
  rate(r, "maxWorkersPerMinute", out.down_max_workers_per_minute);
  return r.finish();
}

}  // namespace

Result<ScalingSpec> parse_scaling(const Json& object, const std::string& path) {
  ScalingSpec s;
  FieldReader r(object, path);
  r.optional("minWorkers", s.min_workers, 0, kMaxWorkers);
  r.required("maxWorkers", s.max_workers, 1, kMaxWorkers);
  if (s.min_workers > s.max_workers) {
    r.error("minWorkers", "must be at most maxWorkers (" + std::to_string(s.max_workers) +
                              "), is " + std::to_string(s.min_workers));
  }
  int_or_percent(r, "freeSlots", s.free_slots, 1'000'000, 90);
  r.duration("scaleToZeroAfter", s.scale_to_zero_after, Duration(0), kMaxDuration);
  one_of(r, "placement", kPlacements, s.placement);
  r.optional("tolerance", s.tolerance, 0, 1);
  const Json* up = r.object("scaleUp");
  const Json* down = r.object("scaleDown");
  r.optional("paused", s.paused);
  const Json* schedules = r.array("schedules");
  BERTH_TRY(r.finish());
  if (up != nullptr) {
    BERTH_TRY(read_scale_up(*up, r.path_of("scaleUp"), s));
  }
  if (down != nullptr) {
    BERTH_TRY(read_scale_down(*down, r.path_of("scaleDown"), s));
  }
  if (schedules != nullptr) {
    BERTH_ASSIGN(s.schedules, parse_schedules(*schedules, r.path_of("schedules"), s.max_workers));
  }
  return s;
}

Result<DrainSpec> parse_drain(const Json& object, const std::string& path) {
  DrainSpec d;
  FieldReader r(object, path);
  r.duration("timeout", d.timeout, std::chrono::seconds(1), kMaxDuration);
  one_of(r, "policy", kDrainPolicies, d.policy);
  BERTH_TRY(r.finish());
  return d;
}

Result<RolloutSpec> parse_rollout(const Json& object, const std::string& path) {
  RolloutSpec s;
  FieldReader r(object, path);
  int_or_percent(r, "maxSurge", s.max_surge, kMaxWorkers, 100);
  int_or_percent(r, "maxUnavailable", s.max_unavailable, kMaxWorkers, 100);
  if (s.max_surge.value == 0 && s.max_unavailable.value == 0) {
    r.error("maxSurge", "must not be 0 when maxUnavailable is 0: no worker could ever be replaced");
  }
  BERTH_TRY(r.finish());
  return s;
}

}  // namespace berth::api
