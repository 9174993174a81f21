#include "lib/http/src/ascii.h"
#include "lib/http/src/connection.h"
#include "lib/http/src/exchange.h"

namespace berth::http {

namespace {

// A refused body of at most this size is read and dropped, so that the connection lives on.
constexpr std::uint64_t kDropBelow = 64u << 10;

Response bad_request(int status, std::string_view code, std::string message) {
  Response response = error_response(
      Error::make(ErrorCode::kInvalidArgument, std::string(code), std::move(message)));
  response.status = status;
  return response;
}

// "GET http://host/path" is what a proxy sends; it means the same as "GET /path" with that host.
bool to_origin_form(std::string& target) {
  if (target.starts_with("http://") || target.starts_with("https://")) {
    const auto path = target.find_first_of("/?", target.find("://") + 3);
    target = path == std::string::npos ? "/" : target.substr(path);
    if (target.front() == '?') {
      target.insert(0, "/");
    }
  }
  return target == "*" || target.starts_with('/');
}

}  // namespace

Error body_too_large(std::uint64_t limit) {
  return Error::make(ErrorCode::kInvalidArgument, "TooLarge",
                     "the body is larger than " + std::to_string(limit) + " bytes");
}

std::optional<Response> Connection::judge_head(Request& request) {
  if (!to_origin_form(request.target)) {
    close_after_ = true;
    return bad_request(400, "BadRequest", "the request target must be a path");
  }
  int hosts = 0;
  for (const auto& [name, value] : request.headers) {
    hosts += ascii_iequals(name, "Host") ? 1 : 0;
  }
  if (hosts > 1 || (hosts == 0 && version_ >= 11)) {
    close_after_ = true;
    return bad_request(400, "BadRequest", "a request needs exactly one Host header");
  }
  const std::string_view expect = request.headers.get("Expect");
  if (!expect.empty() && version_ >= 11) {
    if (!ascii_iequals(expect, "100-continue")) {
      return bad_request(417, "BadRequest", "the only expectation understood is 100-continue");
    }
    expects_continue_ = true;
  }
  return core_.options.filter ? core_.options.filter(request, *peer_) : std::nullopt;
}

std::optional<Response> Connection::route(Request& request, BodyRule& rule) {
  Router::Match match = core_.router.match(request.method, request.target);
  if (!match.handler) {
    const bool bad_escape = match.status == 400;
    Response response =
        bad_request(match.status,
                    bad_escape            ? "BadRequest"
                    : match.status == 405 ? "MethodNotAllowed"
                                          : "NotFound",
                    bad_escape ? "the path has a bad percent escape"
                               : "nothing is served for " + request.method + " at this path");
    if (match.status == 405) {
      response.headers.add("Allow", std::move(match.allow));
    }
    return response;
  }
  handler_ = match.handler;
  rule = match.body;
  held_->set_params(std::move(match.params));
  return std::nullopt;
}

void Connection::on_head() {
  Head& head = parser_.head();
  held_ = std::make_shared<ExchangeImpl>(core_.loop, *this, peer_);
  exchange_ = held_.get();
  Request& request = held_->mutable_request();
  request.method = std::move(head.method);
  request.target = std::move(head.target);
  request.headers = std::move(head.headers);
  version_ = head.version;
  close_after_ = !head.keep_alive;
  is_head_ = request.method == "HEAD";
  expects_continue_ = false;
  starved_ = false;
  stream_error_.reset();
  body_taken_ = 0;

  BodyRule rule;
  verdict_ = judge_head(request);
  if (!verdict_) {
    verdict_ = route(request, rule);
  }
  if (!verdict_ && head.content_length.value_or(0) > rule.max_bytes) {
    verdict_ = error_response(body_too_large(rule.max_bytes));
  }
  if (verdict_) {
    const bool drop = !close_after_ && !expects_continue_ &&
                      head.content_length.value_or(kDropBelow + 1) <= kDropBelow;
    if (parser_.done() || !drop) {
      return run_handler();
    }
    rule.stream = false;
    rule.max_bytes = kDropBelow;
  }
  body_limit_ = rule.max_bytes;
  if (rule.stream) {
    begin_stream(request);
  } else if (parser_.done()) {
    run_handler();
  } else {
    phase_ = Phase::kBody;
    request.body.reserve(std::min<std::uint64_t>(head.content_length.value_or(0), 64u << 10));
    send_continue();
  }
}

void Connection::begin_stream(Request& request) {
  const Head& head = parser_.head();
  auto length = head.content_length;
  if (!length && parser_.done()) {
    length = 0;
  }
  auto body = std::make_shared<RequestBody>(core_.loop, *this, length);
  body_ = body;
  request.body_source = std::move(body);
  run_handler();
}

void Connection::read_body() {
  if (const auto& error = parser_.error()) {
    refuse(error->status, "BadRequest", error->message);
  } else if (held_->request().body.size() > body_limit_) {
    refuse(413, "TooLarge", body_too_large(body_limit_).message);
  } else if (parser_.done()) {
    run_handler();
  }
}

void Connection::run_handler() {
  phase_ = Phase::kHandling;
  const auto exchange = std::exchange(held_, nullptr);
  if (verdict_) {
    exchange->reply(*std::exchange(verdict_, std::nullopt));
    return;
  }
  try {
    (*handler_)(exchange);
  } catch (...) {
    close_after_ = true;
    exchange->reply(Error::internal("the handler of this request failed"));
  }
}

void Connection::refuse(int status, std::string_view code, std::string message) {
  if (!exchange_) {
    is_head_ = false;
    version_ = 11;
  }
  forget_exchange();
  close_after_ = true;
  phase_ = Phase::kHandling;
  answer(bad_request(status, code, std::move(message)));
}

// Nothing else is being written at this point, and a socket buffer always has room for 25 bytes.
void Connection::send_continue() {
  if (!std::exchange(expects_continue_, false) || phase_ == Phase::kAnswering) {
    return;
  }
  Outgoing interim;
  interim.set("HTTP/1.1 100 Continue\r\n\r\n", {});
  if (stream_.write(interim) != Stream::Io::kDone) {
    close();
  }
}

void Connection::sweep(TimePoint now) {
  if (write_blocked(now)) {
    close(true);
    return;
  }
  if (read_deadline_ > now) {
    return;
  }
  read_deadline_ = TimePoint::max();
  switch (phase_) {
    case Phase::kHandshake:
      core_.tell_handshake_failed(*peer_, "the handshake was not finished in time");
      close();
      break;
    case Phase::kIdle:
    case Phase::kLinger:
      close();
      break;
    case Phase::kHead:
      refuse(408, "RequestTimeout", "the request's header did not come in time");
      break;
    case Phase::kBody:
      refuse(408, "RequestTimeout", "the request's body stopped coming");
      break;
    case Phase::kHandling:
    case Phase::kAnswering:
      fail_stream(Error::make(ErrorCode::kDeadlineExceeded, "BodyTimeout",
                              "the request's body stopped coming"));
      break;
    case Phase::kClosed:
      break;
  }
}

}  // namespace berth::http
