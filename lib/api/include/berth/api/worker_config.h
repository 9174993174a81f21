#pragma once

#include <map>
#include <string>
#include <vector>

#include "berth/api/resources.h"
#include "berth/base/clock.h"
#include "berth/base/json.h"

namespace berth::api {

/// A kind of activity that the pool's author allows. Exactly one of `command` and `http_url` is
/// set; C++ functions are registered in code and need no entry.
struct ActivitySpec {
  std::string name;                  ///< [A-Za-z0-9_.-]{1,63}; "exec" is reserved.
  std::vector<std::string> command;  ///< argv; found through PATH.
  std::string http_url;              ///< "http://127.0.0.1:PORT/path" in the same pod.
  std::string http_cancel_url;  ///< POSTed {"activityId"} to cancel; empty: cannot be cancelled.
  std::map<std::string, std::string> env;
  Duration start_to_close_timeout = std::chrono::hours(1);  ///< Default and upper bound.
  Duration kill_grace = std::chrono::seconds(10);           ///< Between SIGTERM and SIGKILL.
  std::int64_t max_output_bytes = 1 << 20;                  ///< Of stdout; more fails the activity.
  std::int64_t max_processes = 0;                           ///< Counted by the worker; 0: no limit.
  std::int64_t max_memory_bytes = 0;                        ///< RLIMIT_AS; 0: no limit.
  std::int64_t max_cpu_seconds = 0;                         ///< RLIMIT_CPU; 0: no limit.
  std::int64_t max_file_bytes = 0;                          ///< RLIMIT_FSIZE; 0: no limit.

  bool operator==(const ActivitySpec&) const = default;
};

/// `sessions:` of a pool: what a worker offers and what a client may ask for.
struct SessionsSpec {
  std::int64_t max_per_worker = 0;  ///< Required, 1..10,000.
  Resources resources;              ///< Typed capacities besides the slots.

  Duration default_creation_timeout = std::chrono::seconds(60);
  Duration default_execution_timeout = std::chrono::hours(1);
  Duration default_heartbeat_timeout = std::chrono::seconds(20);

  // Caps (`sessions.limits`). Beyond them a request is refused with 400 and the field named.
  Duration max_creation_timeout = std::chrono::hours(1);
  Duration max_execution_timeout = std::chrono::hours(24);
  Duration max_heartbeat_timeout = std::chrono::minutes(10);
  /// A session in which no activity ran and no file moved for this long ends with IdleTimeout, even
  /// if its lease is renewed; 0: never.
  Duration idle_timeout{0};
  /// Sessions that one owner may have in the pool at once; 0: no limit. Each worker holds it
  /// exactly, gateways over the pool as far as they have heard from its workers: see
  /// gateway/placement.
  std::int64_t max_per_owner = 0;
  std::int64_t max_activities_per_session = 16;  ///< Running at once.
  std::int64_t max_disk_bytes_per_session = 0;   ///< Writes beyond it are refused; 0: no limit.
  std::int64_t max_file_bytes = 10LL << 30;      ///< One PUT.

  bool operator==(const SessionsSpec&) const = default;
};

/// What the operator hands to each worker (environment BERTH_WORKER_CONFIG, JSON) and a person
/// writes into worker.yaml: the parts of a pool that the worker enforces.
struct WorkerConfig {
  SessionsSpec sessions;
  std::vector<ActivitySpec> activities;  ///< At most 100.
  bool exec = false;                     ///< Whether clients may run commands of their own.

  static Result<WorkerConfig> parse(const Json& body, const std::string& path = "");
  bool operator==(const WorkerConfig&) const = default;
};
Json to_json(const WorkerConfig& c);

/// The two halves, shared with SessionPool.
Result<SessionsSpec> parse_sessions_spec(const Json& object, const std::string& path);
Json to_json(const SessionsSpec& s);
Result<std::vector<ActivitySpec>> parse_activities(const Json& array, const std::string& path);
Json to_json(const std::vector<ActivitySpec>& activities);

}  // namespace berth::api
