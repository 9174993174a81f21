#pragma once

#include <deque>
#include <memory>
#include <string>
#include <utility>

#include "berth/http/transport.h"

namespace berth::kube {

/// A body that the test fills while it is read.
class StubStream final : public http::BodySource {
 public:
  explicit StubStream(std::shared_ptr<bool> gone) : gone_(std::move(gone)) {}
  ~StubStream() override { *gone_ = true; }

  void next(ChunkFn fn) override {
    waiting_ = std::move(fn);
    deliver();
  }
  void push(Result<std::string> chunk) {
    chunks_.push_back(std::move(chunk));
    deliver();
  }

 private:
  void deliver() {
    if (waiting_ && !chunks_.empty()) {
      Result<std::string> chunk = std::move(chunks_.front());
      chunks_.pop_front();
      std::exchange(waiting_, nullptr)(std::move(chunk));
    }
  }
  std::shared_ptr<bool> gone_;
  std::deque<Result<std::string>> chunks_;
  ChunkFn waiting_;
};

/// Keeps each call until the test answers it.
class StubTransport final : public http::Transport {
 public:
  struct Call {
    std::string origin;
    http::Request request;
    http::CallOptions options;
    DoneFn done;
    bool cancelled = false;
  };

  explicit StubTransport(EventLoop& loop) : loop_(loop) {}

  Cancel send(const std::string& origin, http::Request request, const http::CallOptions& options,
              DoneFn done) override {
    auto call =
        std::make_shared<Call>(Call{origin, std::move(request), options, std::move(done), false});
    calls_.push_back(call);
    return Cancel([weak = std::weak_ptr(call)] {
      if (const auto c = weak.lock(); c && c->done) {
        c->cancelled = true;
        c->done = nullptr;
      }
    });
  }

  std::size_t count() const { return calls_.size(); }
  Call& call(std::size_t i) { return *calls_.at(i); }
  Call& last() { return *calls_.back(); }
  /// The newest call still waits for its answer.
  bool waiting() const { return !calls_.empty() && calls_.back()->done != nullptr; }

  void answer(Call& call, Result<http::Response> result) {
    if (auto done = std::exchange(call.done, nullptr)) {
      loop_.post([done = std::move(done), result = std::move(result)] { done(result); });
    }
  }
  void answer(Result<http::Response> result) { answer(last(), std::move(result)); }

 private:
  EventLoop& loop_;
  std::deque<std::shared_ptr<Call>> calls_;
};

}  // namespace berth::kube
