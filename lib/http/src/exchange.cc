#include "lib/http/src/exchange.h"

#include "lib/http/src/connection.h"

namespace berth::http {

void RequestBody::next(ChunkFn fn) {
  fn_ = std::move(fn);
  if (error_) {
    give_error();
  } else {
    connection_->pull();
  }
}

void RequestBody::give(Result<std::string> chunk) {
  if (const auto fn = std::exchange(fn_, nullptr)) {
    fn(std::move(chunk));
  }
}

void RequestBody::give_error() {
  loop_.post([weak = weak_from_this()] {
    if (const auto body = weak.lock()) {
      body->give(fail(*body->error_));
    }
  });
}

void RequestBody::cut(Error error) {
  connection_ = nullptr;
  error_ = std::move(error);
  if (fn_) {
    give_error();
  }
}

ExchangeImpl::~ExchangeImpl() {
  if (connection_ && !answered_) {
    connection_->answer(error_response(
        Error::make(ErrorCode::kInternal, "Unanswered", "the request was dropped unanswered")));
  }
  if (connection_) {
    connection_->exchange_gone();
  }
}

const std::string& ExchangeImpl::param(std::string_view name) const {
  static const std::string none;
  for (const auto& [key, value] : params_) {
    if (key == name) {
      return value;
    }
  }
  return none;
}

void ExchangeImpl::reply(Response response) {
  if (answered_) {
    return;
  }
  answered_ = true;
  if (connection_) {
    connection_->answer(std::move(response));
  }
}

void ExchangeImpl::abort() {
  if (!std::exchange(answered_, true) && connection_) {
    connection_->abort();
  }
}

void ExchangeImpl::on_client_gone(std::function<void()> fn) {
  if (connection_) {
    connection_->on_client_gone(std::move(fn));
  } else if (!answered_) {
    loop_.post(std::move(fn));
  }
}

}  // namespace berth::http
