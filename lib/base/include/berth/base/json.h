#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "berth/base/error.h"

namespace berth {

using Json = nlohmann::json;

/// Parses outside bytes. No exceptions; the error tells the byte position. Nesting deeper than 64
/// is refused.
Result<Json> parse_json(std::string_view text);

/// Compact text. Invalid UTF-8 becomes U+FFFD instead of an exception, so it is safe for anything.
std::string dump_json(const Json& value);

/// For what must arrive as it was written: an error that names the first text or key that is not
/// UTF-8 by its dotted path below `path`. Nesting deeper than parse_json() takes is refused too.
Status check_text(const Json& value, const std::string& path);

/// The member `key`, or null when `object` is no object, lacks it, or holds an explicit null (as
/// Kubernetes sends).
const Json* find(const Json& object, std::string_view key);
/// A walk through nested objects: find_path(pod, {"metadata", "uid"}).
const Json* find_path(const Json& object, std::initializer_list<std::string_view> path);

/// Lenient readers for what an API server sends: the member's value if it is there with that type,
/// else nothing.
std::optional<std::string> get_string(const Json& object, std::string_view key);
std::optional<std::int64_t> get_int(const Json& object, std::string_view key);
std::optional<bool> get_bool(const Json& object, std::string_view key);
std::string string_at(const Json& object, std::initializer_list<std::string_view> path);

/// Strict reader for what a client or a person wrote: every wrong type, unknown key and missing key
/// becomes an error that names the field by its dotted path. Keeps the first error; read all, then
/// check `finish()`.
///
///     FieldReader r(json, "sessions");
///     r.required("maxPerWorker", spec.max_per_worker, 1, 10000);
///     r.optional("exec", spec.exec);
///     BERTH_TRY(r.finish());          // also refuses keys that nobody read
class FieldReader {
 public:
  FieldReader(const Json& object, std::string path);

  void required(std::string_view key, std::string& out);
  void optional(std::string_view key, std::string& out);
  void optional(std::string_view key, bool& out);
  void required(std::string_view key, std::int64_t& out, std::int64_t min, std::int64_t max);
  void optional(std::string_view key, std::int64_t& out, std::int64_t min, std::int64_t max);
  void optional(std::string_view key, double& out, double min, double max);
  /// A duration as text ("20s").
  void duration(std::string_view key, std::chrono::nanoseconds& out, std::chrono::nanoseconds min,
                std::chrono::nanoseconds max);
  /// The member as it is, marked as read; null if absent.
  const Json* take(std::string_view key);
  /// As take(), and the member must be an object / array if present.
  const Json* object(std::string_view key);
  const Json* array(std::string_view key);
  /// Records an error of the caller's own about `key`.
  void error(std::string_view key, std::string message);
  /// Leaves keys that nobody reads alone.
  void allow_unknown() { allow_unknown_ = true; }

  /// "sessions.maxPerWorker".
  std::string path_of(std::string_view key) const;
  bool ok() const { return !error_; }
  Status finish();

 private:
  const Json* typed(std::string_view key, bool need, bool (*is)(const Json&),
                    std::string_view type);

  const Json& object_;
  std::string path_;
  std::vector<std::string> seen_;
  std::optional<Error> error_;
  bool allow_unknown_ = false;
};

}  // namespace berth
