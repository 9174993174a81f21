#include "gateway/api/overview_routes.h"

#include <utility>

#include "berth/auth/session_token.h"
#include "gateway/api/board_poll.h"

namespace berth::gateway {
namespace {

constexpr std::size_t kMaxListed = 10'000;
constexpr std::size_t kMaxDemandPolls = 10'000;
constexpr std::size_t kMaxMembers = 1'000;

std::int64_t slots_in(const api::Resources& resources) {
  const auto it = resources.find(api::kSlot);
  return it == resources.end() ? 0 : it->second;
}

Json describe_worker(const WorkerView& view) {
  Json worker = {
      {"name", view.pod.name}, {"state", view.state()}, {"ready", view.pod.in_service()}};
  if (view.slots) {
    worker["capacity"] = view.slots->capacity;
    worker["used"] = view.slots->used;
    worker["sessions"] = view.slots->sessions;
    worker["activities"] = view.slots->activities;
  }
  return worker;
}

}  // namespace

Json PoolsRoute::describe(const std::string& key, const PoolInfo& pool, bool members) const {
  Json list = Json::array();
  std::int64_t total = 0;
  std::int64_t ready = 0;
  std::int64_t unreadable = 0;
  std::int64_t capacity = 0;
  std::int64_t used = 0;
  std::int64_t free = 0;
  for (const WorkerView* view : workers_.workers(key)) {
    ++total;
    ready += view->pod.in_service() ? 1 : 0;
    unreadable += view->readable ? 0 : 1;
    if (view->slots) {
      capacity += slots_in(view->slots->capacity);
      used += slots_in(view->slots->used);
    }
    free += view->free_sessions();
    if (members && list.size() < kMaxMembers) {
      list.push_back(describe_worker(*view));
    }
  }
  const WaitingLine* line = creator_.line(key);
  Json out = {{"namespace", pool.ns},
              {"name", pool.name},
              {"deleting", pool.deleting},
              {"waiting", line == nullptr ? 0 : line->size()},
              {"workers", {{"total", total}, {"ready", ready}, {"unreadable", unreadable}}},
              {"slots", {{"capacity", capacity}, {"used", used}, {"free", free}}}};
  if (members) {
    out["members"] = std::move(list);
  }
  return out;
}

void PoolsRoute::handle(const std::shared_ptr<http::Exchange>& exchange) {
  const std::string ns = exchange->request().query("namespace").value_or("");
  const Access access{Access::Verb::kList, ns, ""};
  const Result<bool> members = bool_query(exchange->request(), "members");
  if (!members) {
    exchange->reply(members.error());
    return;
  }
  authorize(door_, exchange, access, [=, this, members = *members](const Identity& caller) {
    AuditEvent event = event_of(access, *exchange);
    event.owner = caller.owner;
    event.outcome = "ok";
    door_.audit.write(event);
    Json pools = Json::array();
    for (const auto& [key, pool] : pools_.all()) {
      if (access.ns.empty() || pool->ns == access.ns) {
        pools.push_back(describe(key, *pool, members));
      }
    }
    exchange->reply_json(200, dump_json({{"pools", std::move(pools)}}));
  });
}

void DemandRoute::answer(http::Exchange& exchange, const std::string& ns,
                         const std::string& pool) const {
  const std::string key = pool_key(ns, pool);
  api::Demand demand;
  demand.replica = replica_;
  demand.version = board_.version(key);
  demand.ns = ns;
  demand.pool = pool;
  if (const WaitingLine* line = creator_.line(key)) {
    demand.waiting = line->list(clock_.now(), kMaxListed);
    demand.waiting_total = static_cast<std::int64_t>(line->size());
  }
  exchange.reply_json(200, dump_json(to_json(demand)));
}

void DemandRoute::handle(const std::shared_ptr<http::Exchange>& exchange) {
  const http::Request& request = exchange->request();
  if (auto ok = verify_(auth::bearer_token(request.headers.get("Authorization"))); !ok) {
    exchange->reply(ok.error());
    return;
  }
  const std::string ns = request.query("namespace").value_or("");
  const std::string pool = request.query("pool").value_or("");
  if (ns.empty() || pool.empty()) {
    exchange->reply(Error::invalid(ns.empty() ? "namespace" : "pool", "is required in the query"));
    return;
  }
  poll_board(board_, pool_key(ns, pool), {replica_, kMaxDemandPolls, "demand polls"}, exchange,
             [this, exchange, ns, pool] { answer(*exchange, ns, pool); });
}

}  // namespace berth::gateway
