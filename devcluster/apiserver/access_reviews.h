#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "berth/base/json.h"
#include "berth/http/message.h"

namespace berth::devcluster {

/// What one account may do: an RBAC rule and where it is bound.
struct AccessRule {
  std::string ns = {};  ///< Empty: in all namespaces (a ClusterRoleBinding).
  std::string group = "berth.dev";
  std::string resource = "sessionpools/sessions";
  std::string name = {};  ///< Empty: any.
  std::vector<std::string> verbs = {};
};

/// Somebody with a token.
struct Account {
  std::string token = {};
  std::string username = {};
  std::string uid = {};
  std::vector<std::string> groups = {};
  std::vector<std::string> audiences = {};  ///< Empty: the API server's own.
  std::vector<AccessRule> rules = {};
};

/// Answers TokenReviews and SubjectAccessReviews from a table that a test fills in, with the API
/// server's own rules where Berth can see them: a token counts only for an audience it was made out
/// to, a rule with a name does not allow the collection, and nothing else is known of anybody. An
/// empty table knows nobody. Loop thread only.
class AccessReviews {
 public:
  static constexpr const char* kApiAudience = "https://kubernetes.default.svc";

  void add(Account account);
  void remove(const std::string& token);

  /// Nothing unless this is a POST of one of the two.
  std::optional<http::Response> answer(const http::Request& request, std::string_view path);
  /// How many of both were asked.
  int asked() const { return asked_; }

 private:
  Json token_status(const Json& spec) const;
  Json access_status(const Json& spec) const;

  std::map<std::string, Account> by_token_;
  int asked_ = 0;
};

}  // namespace berth::devcluster
