#include "operator/disruption/node_watch.h"

#include <algorithm>

namespace berth::op {
namespace {

constexpr kube::ResourceType kNodes{"", "v1", "nodes", "Node"};
constexpr Duration kRetry = std::chrono::seconds(5);
constexpr Duration kLongestRetry = std::chrono::minutes(10);
constexpr Duration kAskAgain = std::chrono::minutes(1);
constexpr std::size_t kMostQuestions = 1000;

}  // namespace

NodeWatch::NodeWatch(EventLoop& loop, kube::Client& client, Random& random, Log log,
                     Metrics& metrics, std::function<void(const std::string& node)> changed)
    : loop_(loop),
      client_(client),
      log_(log),
      changed_(std::move(changed)),
      nodes_(
          loop, client, random, kNodes, {}, std::move(log), metrics,
          [](const Json& o) { return NodeView::from(o); },
          [this](const std::string& name, const auto& before, const auto& now) {
            note(name, now.get());
            // Heartbeats change nodes all the time; only what a plan looks at matters.
            if (!before || !now || *before != *now) {
              changed_(name);
            }
          }) {}

void NodeWatch::start() {
  ask_leave();
}

void NodeWatch::ask_leave() {
  kube::ListOptions one;
  one.limit = 1;
  call_ = client_.list(kNodes, "", one, [this](Result<Json> r) {
    call_.release();
    if (r) {
      forbidden_ = false;
      allowed_ = true;
      nodes_.start();
      changed_("");
      return;
    }
    const bool refused = r.error().code == ErrorCode::kPermissionDenied;
    pause_ = refused ? std::clamp<Duration>(2 * pause_, kRetry, kLongestRetry) : kRetry;
    if (refused && !forbidden_) {
      forbidden_ = true;
      log_.warn(
          "the operator may not read nodes: workers are not moved before a node leaves, and "
          "those on a lost node are not deleted",
          {{"error", r.error()}});
      changed_("");
    }
    retry_ = loop_.call_after(pause_, [this] { ask_leave(); });
  });
}

NodeState NodeWatch::state(const std::string& name) {
  if (name.empty() || !allowed_ || !nodes_.synced()) {
    return {};
  }
  if (const auto it = nodes_.all().find(name); it != nodes_.all().end()) {
    const auto since = leaving_since_.find(name);
    return {it->second.get(), false,
            since == leaving_since_.end() ? std::nullopt : std::optional(since->second)};
  }
  const auto it = questions_.find(name);
  if (it != questions_.end() && it->second.gone) {
    return {nullptr, true};
  }
  const bool due = it == questions_.end() || loop_.clock().now() >= it->second.asked_at + kAskAgain;
  if (due && (it != questions_.end() || questions_.size() < kMostQuestions)) {
    ask(name);
  }
  return {};
}

void NodeWatch::ask(const std::string& name) {
  Question& q = questions_[name];
  q.asked_at = loop_.clock().now();
  q.call = client_.get(kNodes, "", name, [this, name](Result<Json> r) {
    Question& answered = questions_[name];
    answered.call.release();
    answered.gone = !r && r.error().code == ErrorCode::kNotFound;
    if (answered.gone) {
      log_.info("a node is gone", {{"node", name}});
      changed_(name);
    }
  });
}

void NodeWatch::note(const std::string& name, const NodeView* now) {
  if (now != nullptr) {
    questions_.erase(name);
  }
  if (now != nullptr && !now->leaving.empty()) {
    leaving_since_.try_emplace(name, loop_.clock().now());
  } else {
    leaving_since_.erase(name);
  }
}

}  // namespace berth::op
