#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "berth/base/json.h"
#include "tests/integration/openapi/schema_checker.h"

namespace berth::openapi {

/// docs/openapi.yaml, asked about real calls.
class Document {
 public:
  /// Fails the program's test (by an exception) if the file cannot be read: nothing can be checked.
  explicit Document(const std::string& file);

  /// "/v1/sessions/{id}" of "/v1/sessions/s1?wait=2"; "" if the document has no such path. The
  /// names `path` and `rest` stand for the rest of a path, slashes included.
  std::string path_of(const std::string& target) const;

  /// What does not fit between the document and an answer; empty if all fits.
  std::vector<std::string> check_answer(const std::string& method, const std::string& path,
                                        int status, const std::string& content_type,
                                        const std::string& body) const;
  /// The same for a JSON body that a server has accepted.
  std::vector<std::string> check_request(const std::string& method, const std::string& path,
                                         const Json& body) const;

  /// "GET", "POST" ... by path.
  std::map<std::string, std::set<std::string>> methods() const;
  /// "GET /v1/slots 200" for each status that is listed by its number.
  std::set<std::string> answers() const;
  /// All places where a "$ref" leads nowhere or a schema uses an unknown keyword.
  std::vector<std::string> defects() const;

  const Json& json() const { return json_; }

 private:
  const Json* operation(const std::string& method, const std::string& path) const;
  const Json* answer(const Json& operation, int status) const;
  void look_for_defects(const Json& node, const std::string& at,
                        std::vector<std::string>& out) const;

  Json json_;
  SchemaChecker checker_;
};

}  // namespace berth::openapi
