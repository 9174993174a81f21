#include "operator/disruption/budget.h"

#include "berth/api/session_pool.h"
#include "berth/kube/object.h"

namespace berth::op {
namespace {

constexpr kube::ResourceType kBudgets{"policy", "v1", "poddisruptionbudgets",
                                      "PodDisruptionBudget"};
constexpr std::int64_t kAll = 2'147'483'647;
constexpr Duration kLookAgain = std::chrono::minutes(10);
constexpr Duration kTryAgain = std::chrono::minutes(1);

}  // namespace

Json render_budget(const std::string& ns, const std::string& pool, const std::string& pool_uid) {
  return {{"apiVersion", "policy/v1"},
          {"kind", "PodDisruptionBudget"},
          {"metadata",
           {{"name", pool + "-workers"},
            {"namespace", ns},
            {"labels", {{api::kPoolLabel, pool}}},
            {"ownerReferences", Json::array({{{"apiVersion", "berth.dev/v1alpha1"},
                                              {"kind", api::kPoolKind},
                                              {"name", pool},
                                              {"uid", pool_uid},
                                              {"controller", true},
                                              {"blockOwnerDeletion", true}}})}}},
          {"spec",
           {{"minAvailable", kAll}, {"selector", {{"matchLabels", {{api::kPoolLabel, pool}}}}}}}};
}

BudgetKeeper::BudgetKeeper(EventLoop& loop, kube::Client& client, Log log, std::string ns,
                           std::string pool)
    : loop_(loop),
      client_(client),
      log_(std::move(log)),
      ns_(std::move(ns)),
      pool_(std::move(pool)) {}

void BudgetKeeper::keep(const std::string& pool_uid) {
  if (pool_uid_ != pool_uid) {
    pool_uid_ = pool_uid;
    look();
  }
}

void BudgetKeeper::look() {
  call_ = client_.get(kBudgets, ns_, pool_ + "-workers", [this](Result<Json> r) {
    call_.release();
    if (r) {
      repair(*r);
    } else if (r.error().code == ErrorCode::kNotFound) {
      create();
    } else {
      settle(r.error().text());
    }
  });
}

void BudgetKeeper::create() {
  call_ =
      client_.create(kBudgets, ns_, render_budget(ns_, pool_, pool_uid_), [this](Result<Json> r) {
        call_.release();
        settle(r ? "" : r.error().text());
      });
}

void BudgetKeeper::repair(const Json& found) {
  const Json wanted = render_budget(ns_, pool_, pool_uid_);
  if (kube::controller_uid(found) != pool_uid_) {
    settle("PodDisruptionBudget " + pool_ + "-workers exists and is not of this pool");
    return;
  }
  const Json* spec = find(found, "spec");
  if (spec != nullptr && get_int(*spec, "minAvailable") == kAll &&
      find(*spec, "maxUnavailable") == nullptr &&
      string_at(*spec, {"selector", "matchLabels", api::kPoolLabel}) == pool_) {
    settle("");
    return;
  }
  Json patch = {{"metadata", {{"resourceVersion", kube::version_of(found)}}},
                {"spec", wanted.at("spec")}};
  patch["spec"]["maxUnavailable"] = nullptr;
  call_ = client_.merge_patch(kBudgets, ns_, pool_ + "-workers", patch, "", [this](Result<Json> r) {
    call_.release();
    settle(r ? "" : r.error().text());
  });
}

void BudgetKeeper::settle(const std::string& trouble) {
  if (!trouble.empty() && trouble != trouble_) {
    log_.warn("the pool has no disruption budget: evictions are not refused", {{"error", trouble}});
  }
  trouble_ = trouble;
  timer_ = loop_.call_after(trouble.empty() ? kLookAgain : kTryAgain, [this] { look(); });
}

}  // namespace berth::op
