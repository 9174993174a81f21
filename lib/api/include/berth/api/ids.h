#pragma once

#include <string_view>

#include "berth/base/error.h"
#include "berth/base/strong.h"

namespace berth::api {

using SessionId = Strong<struct SessionIdTag>;
using ActivityId = Strong<struct ActivityIdTag>;
/// The uid of a worker's pod: the identity that control tokens are made out to.
using WorkerUid = Strong<struct WorkerUidTag>;
/// Made anew at each start of a worker process.
using Incarnation = Strong<struct IncarnationTag>;

/// Session and activity ids are chosen by clients and become folder names: 1 to 63 of [a-z0-9-].
/// `field` names the culprit in the error.
Status check_id(std::string_view id, std::string_view field);

}  // namespace berth::api
