#include "devcluster/apiserver/faults.h"

#include <algorithm>
#include <array>
#include <utility>

namespace berth::devcluster {

namespace {

constexpr std::size_t kMaxFrozen = 1000;

constexpr std::array<std::pair<std::string_view, FaultRule::Action>, 5> kActions = {{
    {"status", FaultRule::Action::kStatus},
    {"dropBefore", FaultRule::Action::kDropBefore},
    {"dropAfter", FaultRule::Action::kDropAfter},
    {"delay", FaultRule::Action::kDelay},
    {"freeze", FaultRule::Action::kFreeze},
}};

}  // namespace

Result<FaultRule> FaultRule::parse(const Json& json, const std::string& path) {
  FieldReader r(json, path);
  FaultRule rule;
  std::string action;
  r.required("action", action);
  const auto known = std::find_if(kActions.begin(), kActions.end(),
                                  [&](const auto& a) { return a.first == action; });
  if (known == kActions.end()) {
    r.error("action", "must be status, dropBefore, dropAfter, delay or freeze");
  } else {
    rule.action = known->second;
  }
  r.optional("method", rule.method);
  r.optional("path", rule.path);
  std::int64_t times = 1;
  r.optional("times", times, -1, 1'000'000);
  std::int64_t status = 500;
  r.optional("status", status, 400, 599);
  std::int64_t retry_after = -1;
  r.optional("retryAfterSeconds", retry_after, 0, 3600);
  r.duration("delay", rule.delay, Duration(0), std::chrono::hours(1));
  BERTH_TRY(r.finish());
  rule.times = static_cast<int>(times);
  rule.status = static_cast<int>(status);
  if (retry_after >= 0) {
    rule.retry_after = std::chrono::seconds(retry_after);
  }
  return rule;
}

void Faults::clear() {
  rules_.clear();
  frame_bytes_ = 0;
  bookmarks_withheld_ = false;
  for (const auto& exchange : std::exchange(frozen_, {})) {
    exchange->abort();
  }
}

std::optional<FaultRule> Faults::take(const http::Request& request) {
  for (auto it = rules_.begin(); it != rules_.end(); ++it) {
    if ((!it->method.empty() && it->method != request.method) ||
        request.target.find(it->path) == std::string::npos) {
      continue;
    }
    FaultRule rule = *it;
    if (it->times > 0 && --it->times == 0) {
      rules_.erase(it);
    }
    ++hits_;
    return rule;
  }
  return std::nullopt;
}

void Faults::freeze(std::shared_ptr<http::Exchange> exchange) {
  frozen_.push_back(std::move(exchange));
  if (frozen_.size() > kMaxFrozen) {
    frozen_.front()->abort();
    frozen_.pop_front();
  }
}

}  // namespace berth::devcluster
