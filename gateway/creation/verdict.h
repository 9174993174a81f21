#pragma once

#include "berth/api/session.h"
#include "berth/base/error.h"
#include "berth/http/message.h"
#include "gateway/workers/pool_catalog.h"

namespace berth::gateway {

/// What a worker's answer to a create means for the request.
enum class Verdict {
  kOpened,      ///< 200, 201.
  kTellCaller,  ///< The request is at fault, wherever it goes: 400, 409, 410, 413, 422, and 429 for
                ///< the owner's own limit.
  kTryNext,     ///< Surely not carried out here: no slot, cordoned, refused, not our worker, never
                ///< sent.
  kUnclear,     ///< It may have been carried out: connection lost, no answer in time, 500.
};
Verdict judge(const Result<http::Response>& result);
/// Of the unclear ones, those where asking the same worker again soon may make it clear.
bool worth_repeating(const Result<http::Response>& result);
/// 503 for all who ask or wait while the gateway stops; ends their connections.
http::Response shutting_down();

/// Checks what a caller asks for against its pool: the timeouts against the pool's limits, with the
/// field named.
Status check_limits(const PoolInfo& pool, const api::CreateSession& request);

/// {"code": "StillWaiting", ...} with the session's id, without which the caller could not take up
/// its place again.
http::Response still_waiting(const api::SessionId& id);

}  // namespace berth::gateway
