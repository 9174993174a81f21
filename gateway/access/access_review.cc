#include "gateway/access/access_review.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "berth/auth/session_token.h"
#include "gateway/access/token_claims.h"

namespace berth::gateway {
namespace {

constexpr kube::ResourceType kTokenReviews{"authentication.k8s.io", "v1", "tokenreviews",
                                           "TokenReview"};
constexpr kube::ResourceType kAccessReviews{"authorization.k8s.io", "v1", "subjectaccessreviews",
                                            "SubjectAccessReview"};
constexpr std::size_t kMaxOwner = 256;
constexpr std::size_t kMaxQuoted = 200;

std::string_view verb_of(Access::Verb verb) {
  return verb == Access::Verb::kCreate ? "create" : "list";
}

std::string in_quotes(std::string_view text) {
  return "\"" + std::string(text.substr(0, kMaxQuoted)) + "\"";
}

/// No verdict.
Error no_verdict(const Error& error, std::string_view review) {
  const bool away = error.retryable();
  Error out =
      Error::make(ErrorCode::kUnavailable, away ? "ApiServerUnreachable" : "AccessCheckFailed",
                  "whether you may do this cannot be found out now: creating a " +
                      std::string(review) + " failed: " + error.text());
  out.retry_after = std::chrono::seconds(1);
  return out;
}

Json token_review(const std::string& token, const std::string& audience) {
  return {{"apiVersion", "authentication.k8s.io/v1"},
          {"kind", "TokenReview"},
          {"spec", {{"token", token}, {"audiences", {audience}}}}};
}

Json access_review(const Json& person, const Access& access) {
  Json attributes = {{"verb", verb_of(access.verb)},
                     {"group", "berth.dev"},
                     {"resource", "sessionpools"},
                     {"subresource", "sessions"}};
  if (!access.ns.empty()) {
    attributes["namespace"] = access.ns;
  }
  if (!access.pool.empty()) {
    attributes["name"] = access.pool;
  }
  Json spec = {{"user", string_at(person, {"username"})}, {"resourceAttributes", attributes}};
  for (const char* key : {"uid", "groups", "extra"}) {
    if (const Json* value = find(person, key)) {
      spec[key] = *value;
    }
  }
  return {{"apiVersion", "authorization.k8s.io/v1"},
          {"kind", "SubjectAccessReview"},
          {"spec", std::move(spec)}};
}

Error denied(const std::string& user, const Access& access) {
  const std::string verb(verb_of(access.verb));
  std::string where = access.pool.empty() ? "" : " of pool " + in_quotes(access.pool);
  where += access.ns.empty() ? " in all namespaces" : " in namespace " + in_quotes(access.ns);
  std::string rule = R"({apiGroups: ["berth.dev"], resources: ["sessionpools/sessions"], )";
  if (!access.pool.empty()) {
    rule += "resourceNames: [" + in_quotes(access.pool) + "], ";
  }
  rule += "verbs: [" + in_quotes(verb) + "]}";
  return Error::make(
      ErrorCode::kPermissionDenied, "AccessDenied",
      in_quotes(user) + " may not " + verb + " sessions" + where + "; it needs a " +
          (access.ns.empty()
               ? "ClusterRole with the rule " + rule + ", bound by a ClusterRoleBinding"
               : "Role there with the rule " + rule + ", bound by a RoleBinding"));
}

}  // namespace

bool is_refusal(const Error& error) {
  return error.code == ErrorCode::kUnauthenticated || error.code == ErrorCode::kPermissionDenied;
}

std::string owner_name(const std::string& user) {
  if (user.size() <= kMaxOwner) {
    return user;
  }
  constexpr std::size_t kHash = 32;
  return user.substr(0, kMaxOwner - kHash - 1) + "~" + auth::sha256_hex(user).substr(0, kHash);
}

/// One question under way, held by the API client until its last answer. The caller's handle drops
/// the call that is out.
struct AccessReview::Asking : std::enable_shared_from_this<AccessReview::Asking> {
  Asking(const AccessReview& r, std::string t, Access a, DoneFn d)
      : review(r), token(std::move(t)), access(std::move(a)), done(std::move(d)) {}

  void who() {
    call = review.client_.create(kTokenReviews, "", token_review(token, review.audience_),
                                 [self = shared_from_this()](const Result<Json>& answer) {
                                   self->call.release();
                                   auto person =
                                       answer ? self->review.person_of(*answer, self->token)
                                              : fail(no_verdict(answer.error(), "TokenReview"));
                                   if (!person) {
                                     self->done(fail(std::move(person).error()));
                                     return;
                                   }
                                   self->may(*std::move(person));
                                 });
  }

  void may(const Json& person) {
    const std::string user = string_at(person, {"username"});
    call = review.client_.create(
        kAccessReviews, "", access_review(person, access),
        [self = shared_from_this(), user](const Result<Json>& answer) {
          self->call.release();
          if (!answer) {
            self->done(fail(no_verdict(answer.error(), "SubjectAccessReview")));
            return;
          }
          const Json* allowed = find_path(*answer, {"status", "allowed"});
          if (allowed == nullptr || *allowed != true) {
            self->done(tl::make_unexpected(Refusal(denied(user, self->access), owner_name(user))));
            return;
          }
          self->done(Identity{owner_name(user)});
        });
  }

  const AccessReview& review;
  const std::string token;
  const Access access;
  DoneFn done;
  Cancel call;
};

Cancel AccessReview::ask(const std::string& token, const Access& access, DoneFn done) {
  const auto asking = std::make_shared<Asking>(*this, token, access, std::move(done));
  asking->who();
  return Cancel([weak = std::weak_ptr(asking)] {
    if (const auto self = weak.lock()) {
      self->call.cancel();
    }
  });
}

std::string AccessReview::way_to_a_token() const {
  return "get one with: kubectl create token SERVICEACCOUNT --audience " + audience_;
}

Error AccessReview::no_token() const {
  return Error::make(ErrorCode::kUnauthenticated, "NoToken",
                     "send a Kubernetes token made out to " + in_quotes(audience_) +
                         " as 'Authorization: Bearer TOKEN'; " + way_to_a_token());
}

/// The user of a TokenReview, or why there is none.
Result<Json> AccessReview::person_of(const Json& review, const std::string& token) const {
  const Json* authenticated = find_path(review, {"status", "authenticated"});
  const Json* user = find_path(review, {"status", "user"});
  if (authenticated != nullptr && *authenticated == true && user != nullptr &&
      !string_at(*user, {"username"}).empty()) {
    // An API server that cannot tell audiences apart leaves this out: then it was made for itself.
    const Json* audiences = find_path(review, {"status", "audiences"});
    if (audiences != nullptr && audiences->is_array() &&
        std::ranges::find(*audiences, Json(audience_)) != audiences->end()) {
      return *user;
    }
  }
  const TokenClaims claims = TokenClaims::read(token);
  std::string message = "the Kubernetes API does not accept this token for " + in_quotes(audience_);
  if (!claims.audiences.empty() &&
      std::ranges::find(claims.audiences, audience_) == claims.audiences.end()) {
    message += "; it is made out to " + in_quotes(claims.audiences.front());
  }
  if (claims.expires) {
    message += "; its end is " + format_rfc3339(*claims.expires);
  }
  if (const std::string why = string_at(review, {"status", "error"}); !why.empty()) {
    message += " (" + why.substr(0, kMaxQuoted) + ")";
  }
  return fail(
      Error::make(ErrorCode::kUnauthenticated, "InvalidToken", message + "; " + way_to_a_token()));
}

}  // namespace berth::gateway
