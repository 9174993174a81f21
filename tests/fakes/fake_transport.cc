#include "tests/fakes/fake_transport.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace berth::fakes {

using http::Request;
using http::Response;

FakeTransport::Call::Call(EventLoop& loop, std::string origin, Request request,
                          http::CallOptions options, DoneFn done)
    : loop_(loop),
      origin_(std::move(origin)),
      request_(std::move(request)),
      options_(options),
      done_(std::move(done)) {}

void FakeTransport::Call::finish(Result<Response> result) {
  if (answered_ || !done_) {
    return;
  }
  answered_ = true;
  loop_.post([self = shared_from_this(), result = std::move(result)] {
    self->deadline_.cancel();
    if (const auto done = std::exchange(self->done_, nullptr)) {
      done(result);
    }
  });
}

void FakeTransport::Call::answer(Response response) {
  if (options_.stream && !response.body_source) {
    response.body_source = http::string_source(std::exchange(response.body, {}));
  }
  finish(std::move(response));
}

void FakeTransport::Call::fail(Error error) {
  finish(berth::fail(std::move(error)));
}

void FakeTransport::Call::fail_connect() {
  fail(Error::make(ErrorCode::kUnavailable, "ConnectFailed",
                   "connecting to " + origin_ + ": Connection refused"));
}

void FakeTransport::Call::fail_lost() {
  fail(Error::make(ErrorCode::kUnavailable, "ConnectionLost",
                   origin_ + ": the server closed the connection without an answer"));
}

void FakeTransport::Call::cancel() {
  deadline_.cancel();
  if (done_) {
    cancelled_ = true;
    const auto done = std::exchange(done_, nullptr);
  }
}

Cancel FakeTransport::send(const std::string& origin, Request request,
                           const http::CallOptions& options, DoneFn done) {
  sent_.push_back({origin, request, options});
  auto call = std::make_shared<Call>(loop_, origin, std::move(request), options, std::move(done));
  call->deadline_ = loop_.call_after(options.deadline, [weak = std::weak_ptr(call)] {
    if (const auto alive = weak.lock()) {
      alive->fail(Error::make(ErrorCode::kDeadlineExceeded, "", "no answer in time"));
    }
  });
  if (const AnswerFn* fn = handler_of(call->request())) {
    // Answered from the loop: a handler sees the world as it is when the request arrives.
    loop_.post([call, fn = *fn] {
      if (!call->finished()) {
        auto result = fn(call->request());
        result ? call->answer(std::move(*result)) : call->fail(result.error());
      }
    });
  } else {
    drop_finished();
    pending_.push_back(call);
  }
  return Cancel([weak = std::weak_ptr(call)] {
    if (const auto alive = weak.lock()) {
      alive->cancel();
    }
  });
}

void FakeTransport::on(std::string method, std::string_view pattern, AnswerFn fn) {
  router_.add(method, pattern, [](const auto&) {});
  // The newest handler for the same requests wins.
  routes_.insert(routes_.begin(), {std::move(method), std::string(pattern), std::move(fn)});
}

void FakeTransport::forget_handlers() {
  router_ = http::Router();
  routes_.clear();
}

const FakeTransport::AnswerFn* FakeTransport::handler_of(const Request& request) const {
  const std::string_view pattern = router_.pattern_of(request.method, request.target);
  const auto found = std::find_if(routes_.begin(), routes_.end(), [&](const Route& route) {
    return !pattern.empty() && route.pattern == pattern &&
           (route.method == request.method || request.method == "HEAD");
  });
  return found == routes_.end() ? nullptr : &found->fn;
}

void FakeTransport::drop_finished() {
  std::erase_if(pending_, [](const CallPtr& call) { return call->finished(); });
}

FakeTransport::CallPtr FakeTransport::expect_request() {
  drop_finished();
  if (pending_.empty()) {
    ADD_FAILURE() << "no request was sent, or it was answered already";
    return std::make_shared<Call>(loop_, "", Request(), http::CallOptions(), nullptr);
  }
  CallPtr call = std::move(pending_.front());
  pending_.pop_front();
  return call;
}

FakeTransport::CallPtr FakeTransport::expect_request(std::string_view method,
                                                     std::string_view path) {
  CallPtr call = expect_request();
  EXPECT_EQ(call->request().method, method);
  EXPECT_EQ(call->request().path(), path);
  return call;
}

std::size_t FakeTransport::waiting() const {
  return static_cast<std::size_t>(std::count_if(
      pending_.begin(), pending_.end(), [](const CallPtr& call) { return !call->finished(); }));
}

std::size_t FakeTransport::count(std::string_view method, std::string_view path) const {
  return static_cast<std::size_t>(std::count_if(sent_.begin(), sent_.end(), [&](const Sent& s) {
    return s.request.method == method && s.request.path() == path;
  }));
}

FakeBody::~FakeBody() {
  state_->dropped = true;
  const auto waiting = std::exchange(state_->waiting, nullptr);
}

void FakeBody::next(ChunkFn fn) {
  state_->waiting = std::move(fn);
  deliver_soon(state_);
}

void FakeBody::deliver_soon(const std::shared_ptr<State>& state) {
  state->loop.post([state] {
    if (!state->waiting || state->chunks.empty()) {
      return;
    }
    const auto chunk = state->chunks.front();
    // The end and an error stay: whoever asks again hears it again.
    if (chunk && !chunk->empty()) {
      state->chunks.pop_front();
    }
    std::exchange(state->waiting, nullptr)(chunk);
  });
}

FakeBody::Writer FakeBody::writer() const {
  return Writer(state_);
}

void FakeBody::Writer::write(std::string bytes) {
  if (!bytes.empty()) {
    push(std::move(bytes));
  }
}

void FakeBody::Writer::push(Result<std::string> chunk) {
  state_->chunks.push_back(std::move(chunk));
  deliver_soon(state_);
}

}  // namespace berth::fakes
