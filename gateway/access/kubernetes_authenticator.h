#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>

#include "berth/base/event_loop.h"
#include "berth/observe/log.h"
#include "berth/observe/metrics.h"
#include "gateway/access/access_cache.h"
#include "gateway/access/access_review.h"

namespace berth::gateway {

/// Lets Kubernetes decide: the caller's bearer token is a Kubernetes token made out to `audience`,
/// and RBAC says what its bearer may do (verbs create and list on sessionpools/sessions).
///
/// Verdicts are cached by a hash of token and access. Callers with the same question share one
/// answer; at most `max_calls` questions are out, `max_queued` more wait, the rest get 503. While
/// no verdict is to be had an older positive one stands in (AccessCache::Settings::stale_for), at
/// once after the first failure, and after `patience` when the API server does not answer at all.
/// A refusal of the question itself is no verdict either: an API server that has just started
/// refuses everybody's until it has read its roles. Loop thread only; all must outlive it.
class KubernetesAuthenticator final : public Authenticator {
 public:
  struct Settings {
    std::string audience = "berth";
    AccessCache::Settings cache = {};
    std::size_t max_calls = 32;
    std::size_t max_queued = 1'000;
    /// How long a caller with an older positive verdict waits for a new one.
    Duration patience = std::chrono::seconds(2);
    /// After a failure, callers with an older positive verdict are served from it for this long
    /// before the next question goes out.
    Duration retry_pause = std::chrono::seconds(5);
  };
  KubernetesAuthenticator(EventLoop& loop, kube::Client& client, Metrics& metrics, Log log,
                          Settings settings);
  ~KubernetesAuthenticator() override;

  Cancel check(const http::Request& request, const Access& access, DoneFn done) override;

  std::size_t calls() const { return calls_; }

 private:
  enum class Source { kCache, kApi, kStale };
  struct Check;

  void start(Check& check);
  void answered(const std::string& key, AccessVerdict verdict);
  void tell(Check& check, const AccessVerdict& verdict, Source source);
  /// Those that can be show from 0 on.
  Counter& counter(const std::string& outcome, Source source);
  void answer(const DoneFn& done, const AccessVerdict& verdict, Source source);
  void start_queued();

  EventLoop& loop_;
  Metrics& metrics_;
  Log log_;
  Settings settings_;
  AccessReview review_;
  AccessCache cache_;
  std::size_t calls_ = 0;
  std::uint64_t last_waiter_ = 0;
  TimePoint away_until_{};
  bool away_logged_ = false;
  std::deque<std::string> queue_;
  std::unordered_map<std::string, std::shared_ptr<Check>> checks_;
  std::map<std::pair<std::string, Source>, Counter> counters_;
};

}  // namespace berth::gateway
