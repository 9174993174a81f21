#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "berth/base/json.h"
#include "berth/http/server.h"

namespace berth::worker {

/// A request in a test's hand, and the answer it got.
class FakeExchange final : public http::Exchange {
 public:
  using http::Exchange::reply;
  const http::Request& request() const override { return request_; }
  const std::string& param(std::string_view name) const override {
    for (const auto& [key, value] : params) {
      if (key == name) {
        return value;
      }
    }
    return none_;
  }
  const std::string& peer() const override { return peer_; }
  void reply(http::Response response) override {
    if (!answer) {
      answer = std::move(response);
      gone_ = nullptr;
    }
  }
  bool answered() const override { return answer.has_value(); }
  void abort() override { gone_ = nullptr; }
  void on_client_gone(std::function<void()> fn) override { gone_ = std::move(fn); }

  void leave() {
    if (const auto fn = std::exchange(gone_, nullptr)) {
      fn();
    }
  }
  /// As the server does it: told a moment later, when the answer may be on its way.
  std::function<void()> leave_later() { return std::exchange(gone_, nullptr); }
  int status() const { return answer ? answer->status : 0; }
  Json body() const { return answer ? parse_json(answer->body).value_or(Json()) : Json(); }
  std::string code() const { return get_string(body(), "code").value_or(""); }

  http::Request request_;
  std::vector<std::pair<std::string, std::string>> params;
  std::optional<http::Response> answer;

 private:
  std::string none_;
  std::string peer_ = "127.0.0.1:1";
  std::function<void()> gone_;
};

/// Finds the route and runs its handler, as the server would.
inline std::shared_ptr<FakeExchange> call(const http::Router& router, const std::string& method,
                                          const std::string& target, const std::string& token = "",
                                          const std::string& body = "") {
  auto exchange = std::make_shared<FakeExchange>();
  exchange->request_.method = method;
  exchange->request_.target = target;
  exchange->request_.body = body;
  if (!token.empty()) {
    exchange->request_.headers.add("Authorization", "Bearer " + token);
  }
  const http::Router::Match match = router.match(method, target);
  if (match.handler == nullptr) {
    exchange->reply(http::Response::text(match.status, ""));
    return exchange;
  }
  exchange->params = match.params;
  (*match.handler)(exchange);
  return exchange;
}

}  // namespace berth::worker
