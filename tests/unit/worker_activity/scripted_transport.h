#pragma once

#include <deque>
#include <memory>
#include <string>
#include <utility>

#include "berth/base/event_loop.h"
#include "berth/http/transport.h"

namespace berth::worker {

/// Keeps every call, for the test to look at and to answer when it likes.
class ScriptedTransport final : public http::Transport {
 public:
  struct Call {
    std::string origin;
    http::Request request;
    http::CallOptions options;
    DoneFn done;
    bool aborted = false;
  };

  explicit ScriptedTransport(EventLoop& loop) : loop_(loop) {}

  Cancel send(const std::string& origin, http::Request request, const http::CallOptions& options,
              DoneFn done) override {
    auto call =
        std::make_shared<Call>(Call{origin, std::move(request), options, std::move(done), false});
    calls.push_back(call);
    return Cancel([call] { call->aborted = true; });
  }

  void answer(std::size_t i, Result<http::Response> response) {
    loop_.post([call = calls.at(i), response = std::move(response)] {
      if (!call->aborted) {
        std::exchange(call->done, nullptr)(response);
      }
    });
  }
  void answer(std::size_t i, int status, std::string body) {
    answer(i, http::Response::json(status, std::move(body)));
  }
  void break_off(std::size_t i, std::string reason) {
    answer(i, Result<http::Response>(
                  fail(Error::make(ErrorCode::kUnavailable, std::move(reason), "broken"))));
  }

  std::deque<std::shared_ptr<Call>> calls;

 private:
  EventLoop& loop_;
};

}  // namespace berth::worker
