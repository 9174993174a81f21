#pragma once

#include <string>
#include <utility>

#include "berth/client/error.h"
#include "berth/http/message.h"

namespace berth::client {

/// The kind that fits an error's code where no rule of the operation says otherwise.
ErrorKind kind_of(const Error& error);

ClientError client_error(ErrorKind kind, Error error);
ClientError client_error(Error error);
ClientError invalid(std::string field, std::string message);
ClientError cancelled(std::string message);

/// The error of a call that brought no answer, or an answer >= 400.
Error error_of(const Result<http::Response>& result);

/// True when nothing was decided: the worker was not reached, or the gateway says so. The same call
/// may be sent again, and only time tells whether the worker lives.
bool unanswered(const Result<http::Response>& result);
/// Of an unanswered call: it may have been carried out all the same.
bool maybe_carried_out(const Result<http::Response>& result);

/// The body of an answer < 400 as `T`, or why it is none.
template <class T>
Result<T> parse_answer(const http::Response& response) {
  BERTH_ASSIGN(const Json body, parse_json(response.body));
  return T::parse(body);
}

inline tl::unexpected<ClientError> fail(ClientError error) {
  return tl::unexpected<ClientError>(std::move(error));
}

}  // namespace berth::client
