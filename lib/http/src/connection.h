#pragma once

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "berth/http/server.h"
#include "lib/http/src/parser.h"
#include "lib/http/src/stream.h"
#include "lib/http/src/writer.h"

namespace berth::http {

class Connection;
class ExchangeImpl;
class RequestBody;

/// What all connections of one server share. Outlives them: the server closes each before it goes.
struct ServerCore {
  using List = std::list<std::shared_ptr<Connection>>;

  ServerCore(AsioLoop& l, const Router& r, ServerOptions o)
      : loop(l), router(r), options(std::move(o)), scratch(64u << 10) {}

  AsioLoop& loop;
  const Router& router;
  const ServerOptions options;
  std::vector<char>
      scratch;  ///< Where every read lands; what is not used at once is kept by its connection.
  bool draining = false;
  List idle;  ///< Between two requests, or not greeted yet; longest first.
  List busy;
  std::function<void()> on_closed;

  void tell_handshake_failed(const std::string& peer, const std::string& why) const {
    if (options.on_handshake_failed) {
      options.on_handshake_failed(peer, why);
    }
  }

  /// "Sun, 06 Nov 1994 08:49:37 GMT", made once a second.
  const std::string& date();

 private:
  std::int64_t date_second_ = -1;
  std::string date_;
};

Error body_too_large(std::uint64_t limit);

/// One client connection: reads requests one after another, runs the handler, writes the answer. A
/// state machine on readiness events; no timers of its own (the server sweeps).
class Connection final : public std::enable_shared_from_this<Connection>,
                         private MessageWriter::Owner {
 public:
  Connection(ServerCore& core, const Tcp& protocol, int fd, std::string peer);
  ~Connection();

  void start(ServerCore::List::iterator place);
  /// At once. The handler that holds the exchange is told, unless `silently`.
  void close(bool abort = false, bool silently = false);
  bool due(TimePoint now) const { return read_deadline_ <= now || write_blocked(now); }
  /// Closes or answers what has waited too long.
  void sweep(TimePoint now);

  // For the exchange.
  void answer(Response response);
  /// Closes without an answer, once the handler has returned.
  void abort();
  void on_client_gone(std::function<void()> fn);
  void exchange_gone() { exchange_ = nullptr; }
  // For the request's body.
  void pull();

 private:
  enum class Phase {
    kHandshake,  ///< Of TLS.
    kIdle,       ///< Nothing of the next request has come.
    kHead,       ///< Reading a head.
    kBody,       ///< Reading a body that the handler gets whole.
    kHandling,   ///< The handler has the exchange.
    kAnswering,  ///< The answer is being written.
    kLinger,     ///< Answered and shut down; reading until the client has seen it.
    kClosed
  };

  /// Handlers, sources and callbacks are other people's code: what they throw costs this
  /// connection, no more.
  template <class Fn>
  void guarded(Fn fn) {
    if (phase_ == Phase::kClosed) {
      return;
    }
    try {
      fn();
    } catch (...) {
      consuming_ = false;
      close(true);
    }
  }
  template <class Fn>
  void post_guarded(Fn fn) {
    core_.loop.post([weak = weak_from_this(), fn = std::move(fn)] {
      if (const auto self = weak.lock()) {
        self->guarded(fn);
      }
    });
  }

  // connection_read.cc: bytes in.
  void want_read();
  void arm_read();
  void set_read_deadline();
  void on_readable();
  void greet();
  void on_bytes(std::string_view bytes);
  void on_end();
  void resume();
  void resume_soon();
  std::string_view consume(std::string_view bytes);
  std::string_view feed_stream(std::string_view bytes);
  void deliver_soon();
  void fail_stream(Error error);

  // connection_request.cc: from a head to its handler.
  void on_head();
  std::optional<Response> judge_head(Request& request);
  std::optional<Response> route(Request& request, BodyRule& rule);
  void begin_stream(Request& request);
  void read_body();
  void run_handler();
  void refuse(int status, std::string_view code, std::string message);
  void send_continue();

  // connection_write.cc: the answer out.
  std::shared_ptr<void> keep() override { return shared_from_this(); }
  void on_written(MessageWriter::End end) override;
  bool write_blocked(TimePoint now) const;
  /// Start line and fields; decides how the body is framed.
  std::string build_head(const Response& response);
  void finish_answer();
  void linger();
  void forget_exchange();

  ServerCore& core_;
  Stream stream_;
  const std::shared_ptr<const std::string> peer_;
  MessageParser parser_;
  ServerCore::List::iterator place_;
  Phase phase_ = Phase::kIdle;

  // Reading.
  std::string pending_;  ///< Received and not yet used.
  bool consuming_ = false;
  bool read_armed_ = false;
  bool resume_posted_ = false;
  bool deliver_posted_ = false;
  bool greeted_ = false;  ///< With TLS: its first byte was looked at.
  bool ended_ = false;    ///< The client will send no more.
  Phase timed_phase_ = Phase::kClosed;
  TimePoint read_deadline_ = TimePoint::max();

  // The request.
  std::shared_ptr<ExchangeImpl> held_;  ///< Until the handler gets it.
  ExchangeImpl* exchange_ = nullptr;    ///< As long as it can still be answered.
  std::weak_ptr<RequestBody> body_;     ///< Of a streamed request.
  const Handler* handler_ = nullptr;
  std::optional<Response>
      verdict_;  ///< The answer is known, only its request's body has to be read first.
  std::uint64_t body_limit_ = 0;
  std::uint64_t body_taken_ = 0;
  std::optional<Error> stream_error_;
  bool starved_ = false;  ///< What is in pending_ is not enough for a chunk.
  bool expects_continue_ = false;
  bool is_head_ = false;
  int version_ = 11;
  std::function<void()> gone_;

  // The answer.
  MessageWriter writer_;
  bool close_after_ = false;
  bool bodiless_ = false;  ///< HEAD, 204, 304.
  bool chunked_ = false;
};

}  // namespace berth::http
