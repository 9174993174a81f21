#include "operator/apply/pod_check.h"

#include "operator/apply/write_backoff.h"

namespace berth::op {
namespace {

constexpr Duration kAskAgain = std::chrono::minutes(1);
constexpr const char* kNameEnd = "-dry-run";

// The pod itself is what is wrong, or is not allowed here. Anything else says nothing about it.
bool is_refusal(const Error& e) {
  return e.code == ErrorCode::kInvalidArgument || e.code == ErrorCode::kPermissionDenied;
}

}  // namespace

PodCheck::PodCheck(EventLoop& loop, kube::Client& client, Random& random, RenderSettings render,
                   std::function<void()> changed)
    : loop_(loop),
      client_(client),
      render_(std::move(render)),
      changed_(std::move(changed)),
      backoff_(kWriteBackoff, random) {}

void PodCheck::look(const std::shared_ptr<const api::SessionPool>& pool,
                    const std::string& revision) {
  if (pool_ && pool_->uid == pool->uid && revision_ == revision) {
    return;
  }
  pool_ = pool;
  revision_ = revision;
  refusal_.clear();
  backoff_.reset();
  again_.cancel();
  ask();
}

void PodCheck::ask() {
  call_ = client_.create(kube::kPods, pool_->ns,
                         render_worker_pod(*pool_, pool_->name + kNameEnd, render_),
                         [this](const Result<Json>& r) {
                           call_.release();
                           judge(r ? Status() : Status(fail(r.error())));
                         },
                         {.dry_run = true, .strict = true});
}

void PodCheck::created(const std::string& revision, const Status& answer) {
  if (revision == revision_ && (answer || is_refusal(answer.error()))) {
    judge(answer);
  }
}

void PodCheck::judge(const Status& answer) {
  again_.cancel();
  if (answer || answer.error().code == ErrorCode::kAlreadyExists) {
    settle("");
    return;
  }
  const Error& e = answer.error();
  const bool refused = is_refusal(e);
  again_ = loop_.call_after(refused ? kAskAgain : backoff_.next(e), [this] {
    again_.release();
    ask();
  });
  if (refused) {
    settle("the API server refuses the pods of this pool: " + e.text());
  }
}

void PodCheck::settle(std::string refusal) {
  if (refusal != refusal_) {
    refusal_ = std::move(refusal);
    changed_();
  }
}

}  // namespace berth::op
