#include "client/src/create_verdict.h"

#include "client/src/errors.h"

namespace berth::client {
namespace {

using Next = CreateVerdict::Next;

CreateVerdict give_up(ErrorKind kind, Error error) {
  return {Next::kGiveUp, client_error(kind, std::move(error))};
}

CreateVerdict go_on(Next next, Error error) {
  return {next, client_error(ErrorKind::kCreationTimeout, std::move(error))};
}

bool worker_closed(const Error& e) {
  return e.reason == "Cordoned" || e.reason == "Draining" || e.reason == "Retired" ||
         e.reason == "WorkerGone" || e.reason == "WrongWorker";
}

CreateVerdict judge_gone(Error error, const CreateFacts& facts) {
  if (error.reason == "SessionEnded" && facts.id_is_ours) {
    return go_on(Next::kNewId, std::move(error));
  }
  if (error.field.empty()) {
    error.field = "id";
  }
  return give_up(ErrorKind::kInvalidArgument, std::move(error));
}

}  // namespace

CreateVerdict judge_create(const Result<http::Response>& result, const CreateFacts& facts) {
  if (result && result->status < 300) {
    return {Next::kOpened, {}};
  }
  Error error = error_of(result);
  const ErrorKind kind = kind_of(error);
  if (!result) {
    return error.retryable() && error.code != ErrorCode::kResourceExhausted
               ? go_on(Next::kNextGateway, std::move(error))
               : give_up(kind, std::move(error));
  }
  if (facts.recreate && worker_closed(error)) {
    return give_up(ErrorKind::kWorkerGone, std::move(error));
  }
  if (error.reason == "StillWaiting") {
    return go_on(Next::kSameGateway, std::move(error));
  }
  if (error.reason == "CreationTimeout") {
    return give_up(ErrorKind::kCreationTimeout, std::move(error));
  }
  if (error.reason == "PoolDeleting") {
    return give_up(ErrorKind::kPoolNotFound, std::move(error));
  }
  if (error.reason == "Superseded") {
    return go_on(Next::kLater, std::move(error));
  }
  switch (result->status) {
    case 404:
      return give_up(ErrorKind::kPoolNotFound, std::move(error));
    case 410:
      return judge_gone(std::move(error), facts);
    case 408:
    case 429:
      return go_on(Next::kLater, std::move(error));
    case 500:
    case 502:
    case 503:
    case 504:
      return go_on(Next::kNextGateway, std::move(error));
    default:
      return give_up(kind, std::move(error));
  }
}

}  // namespace berth::client
