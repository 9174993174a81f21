#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "berth/api/cron.h"
#include "berth/api/worker_config.h"
#include "berth/base/json.h"

/// The SessionPool resource, berth.dev/v1alpha1, as C++. See docs/ for the meaning of each field.
namespace berth::api {

inline constexpr const char* kGroup = "berth.dev";
inline constexpr const char* kVersion = "v1alpha1";
inline constexpr const char* kPoolKind = "SessionPool";
inline constexpr const char* kPoolPlural = "sessionpools";

/// Labels and annotations on worker pods.
inline constexpr const char* kPoolLabel = "berth.dev/pool";
inline constexpr const char* kRevisionLabel = "berth.dev/revision";
inline constexpr const char* kCordonAnnotation = "berth.dev/cordon";
/// On a worker pod: a person's drain. Cordon, and retire once its sessions have ended.
inline constexpr const char* kDrainAnnotation = "berth.dev/drain";
/// On a worker pod, by the operator: "true", its worker serves https.
inline constexpr const char* kTlsAnnotation = "berth.dev/tls";
/// On a pool that is being deleted: do not wait for sessions any longer, end them.
inline constexpr const char* kForceDeleteAnnotation = "berth.dev/force-delete";
/// Holds a pool's deletion until its workers have drained.
inline constexpr const char* kPoolFinalizer = "berth.dev/drain";
/// Container that speaks the worker API, its ports, and the volumes that the operator adds.
inline constexpr const char* kWorkerContainer = "berth-worker";
inline constexpr std::uint16_t kWorkerPort = 7600;
inline constexpr std::uint16_t kWorkerProbePort = 7601;

/// A count or a share: `2` or `"25%"`.
struct IntOrPercent {
  std::int64_t value = 0;
  bool percent = false;
  bool operator==(const IntOrPercent&) const = default;
};

enum class Placement { kPacked, kSpread };
enum class DrainPolicy { kWait, kEnd };

/// From each moment that `cron` names, for `duration`, the pool has at least `min_workers`.
struct ScheduleSpec {
  std::string name;  ///< Unique in the pool.
  Cron cron;
  std::string time_zone = "UTC";  ///< A name of the IANA database, existence not checked here.
  Duration duration{};
  std::int64_t min_workers = 0;
  bool operator==(const ScheduleSpec&) const = default;
};

struct ScalingSpec {
  std::int64_t min_workers = 0;
  std::int64_t max_workers = 0;  ///< Required, at least 1.
  IntOrPercent free_slots{1, false};
  Duration scale_to_zero_after = std::chrono::minutes(10);
  Placement placement = Placement::kPacked;
  double tolerance = 0;
  std::optional<std::int64_t> up_max_workers_per_minute;  ///< Absent: no limit.
  Duration down_stabilization_window = std::chrono::minutes(5);
  std::optional<std::int64_t> down_max_workers_per_minute;  ///< Absent: no limit.
  bool paused = false;                  ///< Neither up nor down; failed pods are still replaced.
  std::vector<ScheduleSpec> schedules;  ///< The highest active one counts.
};

/// How many workers more, and how many fewer, there may be while workers are replaced. Shares are
/// of the workers wanted: maxSurge rounded up and at least 1, maxUnavailable rounded down, but to
/// 1 at least without a surge.
struct RolloutSpec {
  IntOrPercent max_surge{25, true};
  IntOrPercent max_unavailable{0, false};
};

struct DrainSpec {
  Duration timeout = std::chrono::hours(1);
  DrainPolicy policy = DrainPolicy::kWait;
};

/// One SessionPool. `engine` is read by the parts that act on it.
struct SessionPool {
  std::string name;
  std::string ns;
  std::string uid;
  std::string resource_version;
  std::int64_t generation = 0;
  bool deleting = false;
  bool force_delete = false;  ///< Annotation berth.dev/force-delete.
  std::vector<std::string> finalizers;

  Json pod_template;  ///< spec.template as written; null if absent.
  std::string worker_image;
  std::string worker_tls_secret;  ///< spec.worker.tls.secretName; empty: plain HTTP.
  Json worker_resources;          ///< spec.worker.resources as written; null if absent.
  WorkerConfig worker;            ///< sessions, activities, exec.
  ScalingSpec scaling;
  RolloutSpec rollout;
  DrainSpec drain;
  std::optional<std::int64_t> workers;  ///< A fixed count; switches the autoscaler off.
  Json status;                          ///< As last written; null if none.

  /// From an API object. The error names the field ("spec.scaling.maxWorkers"). A pool name longer
  /// than 50 characters is an error, since pod names are made from it.
  static Result<SessionPool> parse(const Json& object);
};

/// A user's YAML or JSON text (one or several documents) as API objects; the error tells line,
/// column and field. Each document must be a SessionPool and parse(). Numbers, booleans and null
/// follow YAML 1.2's core schema; quoted scalars are strings; duplicate keys are an error. At most
/// 1 MiB.
Result<std::vector<Json>> read_pools_yaml(std::string_view text, const std::string& file_name);

/// YAML text of any document as JSON, by the same rules (kubeconfig, worker.yaml).
Result<Json> yaml_to_json(std::string_view text, const std::string& file_name);
/// JSON as block-style YAML, for `-o yaml`.
std::string json_to_yaml(const Json& value);

}  // namespace berth::api
