#pragma once

#include <functional>

#include "berth/base/event_loop.h"
#include "berth/http/message.h"

namespace berth::kube {

/// Reads the streamed body of an error answer, at most 64 KiB and 5 s of it, and hands the answer
/// on with what came. `done` runs once on the loop, not after the handle is destroyed.
Cancel read_error_body(EventLoop& loop, http::Response response,
                       std::function<void(const http::Response&)> done);

}  // namespace berth::kube
