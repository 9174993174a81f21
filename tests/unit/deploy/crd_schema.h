#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "berth/base/json.h"

/// The schema in deploy/crd/sessionpools.yaml, taken apart into what a test can try on the reader.
namespace berth::deploy {

/// One place in `spec`, with where it is in a pool and what the schema says about it.
struct Place {
  std::string path;     ///< "spec.worker.activities[0].limits.killGrace", as errors name it.
  std::string pointer;  ///< "/spec/worker/activities/0/limits/killGrace".
  Json schema;
  bool required = false;

  bool is_object() const { return schema.contains("properties"); }
  /// What is inside is a Pod's and not the reader's to judge.
  bool is_opaque() const { return schema.value("x-kubernetes-preserve-unknown-fields", false); }
  bool is_share() const { return schema.value("x-kubernetes-int-or-string", false); }
  bool is_duration() const { return rule("duration(self)").has_value(); }
  std::string type() const { return schema.value("type", ""); }
  std::set<std::string> members() const;

  /// Text between `before` and `after` in the first CEL rule or message that has both.
  std::optional<std::string> said(const std::string& before, const std::string& after) const;
  /// The first CEL rule that contains `part`.
  std::optional<std::string> rule(const std::string& part) const;
};

/// All places below and including `spec`, outermost first. Members of opaque objects are left out.
/// Activities stand at index 0, but for what belongs to `http`, at index 1.
std::vector<Place> places_of(const Json& crd);

}  // namespace berth::deploy
