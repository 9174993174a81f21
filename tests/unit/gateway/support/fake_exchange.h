#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "berth/base/json.h"
#include "berth/http/server.h"

namespace berth::gateway::testing {

/// An exchange without a connection: keeps the answer, and lets the test be the client that leaves.
class FakeExchange final : public http::Exchange {
 public:
  explicit FakeExchange(http::Request request) : request_(std::move(request)) {}

  using http::Exchange::reply;
  const http::Request& request() const override { return request_; }
  const std::string& param(std::string_view name) const override {
    static const std::string none;
    const auto it = params_.find(std::string(name));
    return it == params_.end() ? none : it->second;
  }
  const std::string& peer() const override { return peer_; }
  void reply(http::Response response) override {
    if (!answer_ && !gone_) {
      answer_ = std::move(response);
    }
  }
  bool answered() const override { return answer_.has_value(); }
  void abort() override { gone_ = true; }
  void on_client_gone(std::function<void()> fn) override { on_gone_ = std::move(fn); }

  /// Routes it to its handler; false if there is none.
  static std::shared_ptr<FakeExchange> run(const http::Router& router, http::Request request) {
    auto exchange = std::make_shared<FakeExchange>(std::move(request));
    const auto match = router.match(exchange->request_.method, exchange->request_.target);
    if (match.handler == nullptr) {
      exchange->answer_ = http::Response::text(match.status, "");
      return exchange;
    }
    for (const auto& [name, value] : match.params) {
      exchange->params_[name] = value;
    }
    (*match.handler)(exchange);
    return exchange;
  }

  /// The client goes; before or after the answer was given, but before it was written.
  void client_leaves() {
    gone_ = true;
    if (auto fn = std::exchange(on_gone_, nullptr)) {
      fn();
    }
  }
  /// The answer has been written whole.
  void written() { on_gone_ = nullptr; }

  const std::optional<http::Response>& answer() const { return answer_; }
  int status() const { return answer_ ? answer_->status : 0; }
  Json body() const { return answer_ ? Json::parse(answer_->body, nullptr, false) : Json(); }
  std::string code() const { return get_string(body(), "code").value_or(""); }

 private:
  http::Request request_;
  std::map<std::string, std::string> params_;
  std::string peer_ = "127.0.0.1:5555";
  std::optional<http::Response> answer_;
  std::function<void()> on_gone_;
  bool gone_ = false;
};

}  // namespace berth::gateway::testing
