#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "berth/base/json.h"
#include "devcluster/apiserver/api_error.h"

namespace berth::devcluster {

/// What a list or a watch is narrowed to: namespace, labels and fields. A value.
class Selector {
 public:
  /// Everything in `ns` (all namespaces when empty).
  explicit Selector(std::string ns = "") : ns_(std::move(ns)) {}

  /// `labels`: "a=b,c!=d,e in (x,y),f notin (z),g,!h". `fields`:
  /// "spec.nodeName=x,metadata.name!=y", limited to the fields that the type allows. At most 64
  /// requirements each. Errors are 400.
  static ApiResult<Selector> parse(const ResourceType& type, std::string ns,
                                   std::string_view labels, std::string_view fields);

  bool matches(const Json& object) const;
  const std::string& ns() const { return ns_; }

 private:
  enum class Op { kIn, kNotIn, kExists, kAbsent };
  struct LabelRule {
    std::string key;
    Op op = Op::kExists;
    std::vector<std::string> values;
  };
  struct FieldRule {
    std::vector<std::string> path;
    std::string value;
    bool equal = true;
  };
  class LabelParser;

  std::string ns_;
  std::vector<LabelRule> labels_;
  std::vector<FieldRule> fields_;
};

}  // namespace berth::devcluster
