#pragma once

#include <string>
#include <vector>

#include "berth/base/json.h"

namespace berth::openapi {

/// Holds JSON values against the schemas of one OpenAPI 3.1 document. Knows the keywords that our
/// document uses; any other is a problem of the schema itself, so none is silently left out.
class SchemaChecker {
 public:
  /// `document` must outlive it; "$ref" is looked up there ("#/components/schemas/Error").
  explicit SchemaChecker(const Json& document) : document_(document) {}

  /// One sentence for each thing that does not fit, with the place of the value
  /// ("body.worker.uid"); empty if all fits.
  std::vector<std::string> check(const Json& value, const Json& schema,
                                 const std::string& at = "body") const;

  /// Follows "$ref" to the end; the node itself if it has none; null if it leads nowhere.
  const Json* resolve(const Json& node) const;

 private:
  using Problems = std::vector<std::string>;
  void check_value(const Json& value, const Json& schema, const std::string& at,
                   Problems& out) const;
  void check_scalar(const Json& value, const Json& schema, const std::string& at,
                    Problems& out) const;
  void check_object(const Json& value, const Json& schema, const std::string& at,
                    Problems& out) const;
  void check_array(const Json& value, const Json& schema, const std::string& at,
                   Problems& out) const;
  void check_combined(const Json& value, const Json& schema, const std::string& at,
                      Problems& out) const;

  const Json& document_;
};

}  // namespace berth::openapi
