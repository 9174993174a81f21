#include "devcluster/apiserver/access_reviews.h"

#include <algorithm>
#include <utility>

#include "devcluster/apiserver/requests.h"

namespace berth::devcluster {
namespace {

constexpr std::string_view kTokenReviews = "/apis/authentication.k8s.io/v1/tokenreviews";
constexpr std::string_view kAccessReviews = "/apis/authorization.k8s.io/v1/subjectaccessreviews";

bool allows(const AccessRule& rule, const Json& attributes) {
  const auto asked = [&](const char* key) { return string_at(attributes, {key}); };
  const std::string subresource = asked("subresource");
  const std::string resource = asked("resource") + (subresource.empty() ? "" : "/" + subresource);
  return (rule.ns.empty() || rule.ns == asked("namespace")) && rule.group == asked("group") &&
         rule.resource == resource && (rule.name.empty() || rule.name == asked("name")) &&
         std::ranges::find(rule.verbs, asked("verb")) != rule.verbs.end();
}

}  // namespace

void AccessReviews::add(Account account) {
  const std::string token = account.token;
  by_token_.insert_or_assign(token, std::move(account));
}

void AccessReviews::remove(const std::string& token) {
  by_token_.erase(token);
}

Json AccessReviews::token_status(const Json& spec) const {
  const auto it = by_token_.find(string_at(spec, {"token"}));
  if (it == by_token_.end()) {
    return {{"user", Json::object()}, {"error", "invalid bearer token"}};
  }
  const Account& account = it->second;
  const std::vector<std::string> own = {kApiAudience};
  const auto& valid = account.audiences.empty() ? own : account.audiences;
  const Json* asked = find(spec, "audiences");
  Json audiences = Json::array();
  for (const std::string& audience : valid) {
    const bool wanted = asked == nullptr
                            ? audience == kApiAudience
                            : std::ranges::find(*asked, Json(audience)) != asked->end();
    if (wanted) {
      audiences.push_back(audience);
    }
  }
  if (audiences.empty()) {
    return {
        {"user", Json::object()},
        {"error", "token audiences " + dump_json(valid) + " is invalid for the target audiences"}};
  }
  return {
      {"authenticated", true},
      {"user", {{"username", account.username}, {"uid", account.uid}, {"groups", account.groups}}},
      {"audiences", std::move(audiences)}};
}

Json AccessReviews::access_status(const Json& spec) const {
  const std::string user = string_at(spec, {"user"});
  const Json* attributes = find(spec, "resourceAttributes");
  for (const auto& [_, account] : by_token_) {
    // As RBAC: a person is a name and groups; the uid plays no part.
    if (attributes != nullptr && account.username == user &&
        std::ranges::any_of(account.rules,
                            [&](const AccessRule& rule) { return allows(rule, *attributes); })) {
      return {{"allowed", true}};
    }
  }
  return {{"allowed", false}};
}

std::optional<http::Response> AccessReviews::answer(const http::Request& request,
                                                    std::string_view path) {
  const bool token = path == kTokenReviews;
  if (request.method != "POST" || (!token && path != kAccessReviews)) {
    return std::nullopt;
  }
  auto body = parse_json(request.body);
  const Json* spec = body ? find(*body, "spec") : nullptr;
  if (spec == nullptr || !spec->is_object()) {
    return error_answer(ApiError::bad_request("the review has no spec"));
  }
  ++asked_;
  (*body)["status"] = token ? token_status(*spec) : access_status(*spec);
  return http::Response::json(201, dump_json(*body));
}

}  // namespace berth::devcluster
