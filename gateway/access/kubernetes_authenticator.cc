#include "gateway/access/kubernetes_authenticator.h"

#include <utility>
#include <vector>

#include "berth/auth/session_token.h"
#include "gateway/access/token_claims.h"

namespace berth::gateway {
namespace {

std::string key_of(std::string_view token, const Access& access) {
  std::string text = access.verb == Access::Verb::kCreate ? "create" : "list";
  // Neither names nor tokens hold a line feed, so no two questions make one text.
  text.append("\n").append(access.ns).append("\n").append(access.pool).append("\n").append(token);
  return auth::sha256_hex(text);
}

std::string outcome_of(const AccessVerdict& verdict) {
  if (verdict) {
    return "allowed";
  }
  return verdict.error().code == ErrorCode::kUnauthenticated    ? "unauthenticated"
         : verdict.error().code == ErrorCode::kPermissionDenied ? "denied"
                                                                : "unavailable";
}

Error overloaded() {
  Error error = Error::make(ErrorCode::kUnavailable, "TooManyAccessChecks",
                            "too many callers wait for the Kubernetes API to check their access");
  error.retry_after = std::chrono::seconds(1);
  return error;
}

}  // namespace

/// One question and everybody who waits for its answer.
struct KubernetesAuthenticator::Check {
  std::string key;
  std::string token;
  Access access;
  bool out = false;     ///< Its question is at the API server.
  bool queued = false;  ///< Its question waits to go out.
  bool late = false;    ///< Its patience is over.
  std::map<std::uint64_t, DoneFn> waiters;
  Cancel call;
  Cancel patience;
};

KubernetesAuthenticator::KubernetesAuthenticator(EventLoop& loop, kube::Client& client,
                                                 Metrics& metrics, Log log, Settings settings)
    : loop_(loop),
      metrics_(metrics),
      log_(std::move(log)),
      settings_(std::move(settings)),
      review_(client, settings_.audience),
      cache_(loop.clock(), settings_.cache) {
  for (const char* outcome : {"allowed", "denied", "unauthenticated"}) {
    counter(outcome, Source::kApi);
    counter(outcome, Source::kCache);
  }
  counter("unavailable", Source::kApi);
  counter("allowed", Source::kStale);
}

KubernetesAuthenticator::~KubernetesAuthenticator() = default;

Counter& KubernetesAuthenticator::counter(const std::string& outcome, Source source) {
  const auto [it, fresh] = counters_.try_emplace({outcome, source});
  if (fresh) {
    const char* name = source == Source::kCache ? "cache"
                       : source == Source::kApi ? "api"
                                                : "stale";
    it->second = metrics_.counter("berth_gateway_access_checks_total",
                                  "Checks of callers' access by outcome and by where it came from.",
                                  {{"outcome", outcome}, {"source", name}});
  }
  return it->second;
}

void KubernetesAuthenticator::answer(const DoneFn& done, const AccessVerdict& verdict,
                                     Source source) {
  counter(outcome_of(verdict), source).inc();
  done(verdict);
}

Cancel KubernetesAuthenticator::check(const http::Request& request, const Access& access,
                                      DoneFn done) {
  const std::string_view token = auth::bearer_token(request.headers.get("Authorization"));
  if (token.empty()) {
    answer(done, fail(review_.no_token()), Source::kCache);
    return {};
  }
  const std::string key = key_of(token, access);
  if (const auto* verdict = cache_.fresh(key)) {
    answer(done, AccessVerdict(*verdict), Source::kCache);
    return {};
  }
  auto it = checks_.find(key);
  const bool give_up =
      loop_.clock().now() < away_until_ || (it != checks_.end() && it->second->late);
  if (const Identity* identity = give_up ? cache_.stale(key) : nullptr) {
    answer(done, Identity(*identity), Source::kStale);
    return {};
  }
  if (it == checks_.end()) {
    if (calls_ >= settings_.max_calls && queue_.size() >= settings_.max_queued) {
      answer(done, fail(overloaded()), Source::kApi);
      return {};
    }
    auto fresh = std::make_shared<Check>();
    fresh->key = key;
    fresh->token = std::string(token);
    fresh->access = access;
    it = checks_.emplace(key, std::move(fresh)).first;
  }
  const std::shared_ptr<Check> check = it->second;
  const std::uint64_t waiter = ++last_waiter_;
  check->waiters.emplace(waiter, std::move(done));
  if (!check->out && !check->queued) {
    if (calls_ < settings_.max_calls) {
      start(*check);
    } else {
      check->queued = true;
      queue_.push_back(key);
    }
  }
  return Cancel([weak = std::weak_ptr(check), waiter] {
    if (const auto self = weak.lock()) {
      self->waiters.erase(waiter);
    }
  });
}

void KubernetesAuthenticator::start(Check& check) {
  ++calls_;
  check.out = true;
  check.call = review_.ask(
      check.token, check.access,
      [this, key = check.key](AccessVerdict verdict) { answered(key, std::move(verdict)); });
  if (cache_.stale(check.key) != nullptr) {
    check.patience = loop_.call_after(settings_.patience, [this, key = check.key] {
      const auto self = checks_.at(key);
      self->late = true;
      if (const Identity* identity = cache_.stale(key)) {
        tell(*self, Identity(*identity), Source::kStale);
      }
    });
  }
}

void KubernetesAuthenticator::answered(const std::string& key, AccessVerdict verdict) {
  const auto node = checks_.extract(key);
  const std::shared_ptr<Check> check = node.mapped();
  check->call.release();
  --calls_;
  Source source = Source::kApi;
  if (verdict || is_refusal(verdict.error())) {
    away_until_ = TimePoint{};
    away_logged_ = false;
    cache_.store(key, verdict, TokenClaims::read(check->token).expires);
  } else {
    if (!std::exchange(away_logged_, true)) {
      log_.error("access of callers cannot be checked", {{"error", Error(verdict.error())}});
    }
    if (const Identity* identity = cache_.stale(key)) {
      away_until_ = loop_.clock().now() + settings_.retry_pause;
      verdict = *identity;
      source = Source::kStale;
    }
  }
  tell(*check, verdict, source);
  start_queued();
}

/// A caller may be gone by the time its turn comes, and its answer may bring new ones.
void KubernetesAuthenticator::tell(Check& check, const AccessVerdict& verdict, Source source) {
  while (!check.waiters.empty()) {
    const auto waiter = check.waiters.extract(check.waiters.begin());
    answer(waiter.mapped(), verdict, source);
  }
}

void KubernetesAuthenticator::start_queued() {
  while (calls_ < settings_.max_calls && !queue_.empty()) {
    const std::string key = std::move(queue_.front());
    queue_.pop_front();
    const auto it = checks_.find(key);
    if (it->second->waiters.empty()) {
      checks_.erase(it);  // all who asked have gone
      continue;
    }
    start(*it->second);
  }
}

}  // namespace berth::gateway
