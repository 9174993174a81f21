#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "berth/http/server.h"
#include "berth/http/transport.h"

namespace berth::fakes {

/// A Transport without a network: the test answers each request by hand, or gives a handler for a
/// pattern.
///
///     FakeTransport transport(loop);
///     client.create();                                   // the code under test sends
///     auto call = transport.expect_request();            // fails the test if it has not
///     EXPECT_EQ(call->request().target, "/v1/sessions");
///     call->answer(http::Response::json(201, "{}"));
///     loop.run_ready();                                  // answers arrive on the loop, never
///     inside answer()
///
/// Keeps the promises of http::Transport: done once, on the loop, never inside send(), never after
/// its handle is gone. A call that is not answered ends at its deadline, by the loop's clock, as a
/// real one would.
class FakeTransport final : public http::Transport {
 public:
  class Call;
  using CallPtr = std::shared_ptr<Call>;
  /// What a handler answers; or an error of the transport itself.
  using AnswerFn = std::function<Result<http::Response>(const http::Request&)>;

  explicit FakeTransport(EventLoop& loop) : loop_(loop) {}

  Cancel send(const std::string& origin, http::Request request, const http::CallOptions& options,
              DoneFn done) override;

  /// Answers every matching request by itself; patterns as in http::Router, of any origin. Only
  /// requests that no handler takes wait for expect_request().
  void on(std::string method, std::string_view pattern, AnswerFn fn);
  /// No more automatic answers.
  void forget_handlers();

  /// The oldest call that waits for an answer and was not handed out yet. Fails the test, and
  /// returns a call that answers nobody, if there is none.
  CallPtr expect_request();
  /// The same with a check of method and path ("GET", "/v1/slots"); skips nothing.
  CallPtr expect_request(std::string_view method, std::string_view path);
  /// How many calls wait and were not handed out. A call whose handle was dropped does not wait any
  /// more.
  std::size_t waiting() const;

  /// Everything that was ever sent, in order, answered or not.
  struct Sent {
    std::string origin;
    http::Request request;
    http::CallOptions options;
  };
  const std::vector<Sent>& sent() const { return sent_; }
  /// How many were sent with that method and path.
  std::size_t count(std::string_view method, std::string_view path) const;

 private:
  struct Route {
    std::string method;
    std::string pattern;
    AnswerFn fn;
  };
  const AnswerFn* handler_of(const http::Request& request) const;
  void drop_finished();

  EventLoop& loop_;
  http::Router router_;
  std::vector<Route> routes_;
  std::deque<CallPtr> pending_;
  std::vector<Sent> sent_;
};

/// One request that waits for the test's answer.
class FakeTransport::Call : public std::enable_shared_from_this<Call> {
 public:
  Call(EventLoop& loop, std::string origin, http::Request request, http::CallOptions options,
       DoneFn done);

  const std::string& origin() const { return origin_; }
  const http::Request& request() const { return request_; }
  const http::CallOptions& options() const { return options_; }

  /// Posted to the loop. For a call with CallOptions::stream the body becomes a source, unless one
  /// is set already. The second answer is ignored.
  void answer(http::Response response);
  void fail(Error error);
  /// The shapes that real calls fail with.
  void fail_connect();
  void fail_lost();
  /// The caller dropped its handle before the answer.
  bool cancelled() const { return cancelled_; }
  /// Answered, failed, timed out or cancelled.
  bool finished() const { return done_ == nullptr; }

 private:
  friend class FakeTransport;
  void finish(Result<http::Response> result);
  void cancel();

  EventLoop& loop_;
  const std::string origin_;
  const http::Request request_;
  const http::CallOptions options_;
  DoneFn done_;
  Cancel deadline_;
  bool answered_ = false;
  bool cancelled_ = false;
};

/// A body that the test writes while the code under test reads it: a watch, a log, a stuck
/// download.
class FakeBody final : public http::BodySource {
 public:
  explicit FakeBody(EventLoop& loop) : state_(std::make_shared<State>(loop)) {}
  ~FakeBody() override;

  void next(ChunkFn fn) override;

  /// The writing end; outlives the body.
  class Writer;
  Writer writer() const;

 private:
  struct State {
    explicit State(EventLoop& l) : loop(l) {}
    EventLoop& loop;
    std::deque<Result<std::string>> chunks;
    ChunkFn waiting;
    bool dropped = false;
  };
  static void deliver_soon(const std::shared_ptr<State>& state);
  std::shared_ptr<State> state_;
};

class FakeBody::Writer {
 public:
  void write(std::string bytes);
  void end() { push(std::string()); }
  void fail(Error error) { push(berth::fail(std::move(error))); }
  /// The reader asked and got nothing yet.
  bool wanted() const { return state_->waiting != nullptr; }
  /// The reader has let its end go.
  bool dropped() const { return state_->dropped; }

 private:
  friend class FakeBody;
  explicit Writer(std::shared_ptr<State> state) : state_(std::move(state)) {}
  void push(Result<std::string> chunk);
  std::shared_ptr<State> state_;
};

}  // namespace berth::fakes
