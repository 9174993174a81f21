#include "gateway/api/list_route.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace berth::gateway {

/// One listing under way. Kept alive by its calls' callbacks.
class ListRoute::Call : public std::enable_shared_from_this<ListRoute::Call> {
 public:
  Call(WorkerClient& client, Settings settings, std::shared_ptr<http::Exchange> exchange)
      : client_(client), settings_(settings), exchange_(std::move(exchange)) {}

  void start(const std::vector<const WorkerView*>& views) {
    for (const WorkerView* view : views) {
      if (view->pod.reachable()) {
        left_.push_back(view->pod);
      }
    }
    exchange_->on_client_gone([weak = weak_from_this()] {
      if (const auto self = weak.lock()) {
        self->calls_.clear();
      }
    });
    ask_more();
  }

 private:
  void ask_more() {
    while (!left_.empty() && calls_.size() < settings_.concurrency) {
      WorkerPod pod = std::move(left_.back());
      left_.pop_back();
      const std::string name = pod.name;
      calls_[name] = client_.sessions(
          pod, [self = shared_from_this(), name](Result<std::vector<Json>> sessions) {
            self->answered(name, std::move(sessions));
          });
    }
    if (calls_.empty()) {
      Json body = {{"sessions", std::move(sessions_)},
                   {"unreadable", std::move(unreadable_)},
                   {"truncated", truncated_}};
      exchange_->reply_json(200, dump_json(body));
    }
  }

  void answered(const std::string& name, Result<std::vector<Json>> sessions) {
    const auto done = calls_.extract(name);
    if (!sessions) {
      const Error& error = sessions.error();
      unreadable_.push_back(
          {{"worker", name}, {"code", error.reason_or_code()}, {"message", error.message}});
    } else {
      for (Json& session : *sessions) {
        if (sessions_.size() >= settings_.max_sessions) {
          truncated_ = true;
          break;
        }
        sessions_.push_back(std::move(session));
      }
    }
    ask_more();
  }

  WorkerClient& client_;
  Settings settings_;
  std::shared_ptr<http::Exchange> exchange_;
  std::vector<WorkerPod> left_;
  std::map<std::string, Cancel> calls_;
  Json sessions_ = Json::array();
  Json unreadable_ = Json::array();
  bool truncated_ = false;
};

void ListRoute::handle(const std::shared_ptr<http::Exchange>& exchange) {
  const Access access{Access::Verb::kList, exchange->param("ns"), exchange->param("pool")};
  authorize(door_, exchange, access, [this, exchange, access](const Identity& caller) {
    AuditEvent event = event_of(access, *exchange);
    event.owner = caller.owner;
    event.outcome = "ok";
    door_.audit.write(event);
    const std::string key = pool_key(exchange->param("ns"), exchange->param("pool"));
    const auto views = workers_.workers(key);
    if (views.empty() && !pools_.find(key)) {
      exchange->reply(pools_.unknown(key));
      return;
    }
    std::make_shared<Call>(client_, settings_, exchange)->start(views);
  });
}

}  // namespace berth::gateway
