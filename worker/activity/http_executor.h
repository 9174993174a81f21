#pragma once

#include <memory>
#include <string>

#include "berth/api/worker_config.h"
#include "berth/base/event_loop.h"
#include "berth/http/transport.h"
#include "berth/observe/log.h"
#include "worker/activity/executor.h"

namespace berth::worker {

/// Runs an activity in an app container of the same pod. Its contract:
///
///  - POST of the input as JSON to the spec's URL, with the headers Berth-Session-Id,
///  Berth-Activity-Id and
///    Berth-Session-Dir. The answer may take as long as the activity does.
///  - 2xx: the JSON body is the result; an empty body is null. With content type
///  application/x-ndjson the body is a
///    stream of lines, {"progress": ...} any number of times and last {"result": ...} or {"error":
///    {...}}.
///  - anything else: failed, as {"error": {"type", "message", "retryable"}} in the body says, else
///  "HttpStatus".
///  - to stop it: POST {"activityId"} to the cancel URL. Any 2xx, 404 or 410 there says that the
///  activity has stopped.
///
/// An activity has stopped when the app answered it or said so at the cancel URL, or when nothing
/// listens there any more. Until then cancelling is repeated and the run is `stuck` after the
/// grace. A connection that broke proves nothing, so it is cancelled too; only an app without a
/// cancel URL is taken at its word then.
class HttpExecutor final : public Executor {
 public:
  /// The loop and the transport outlive the executor. An error if a URL cannot be understood.
  static Result<std::shared_ptr<HttpExecutor>> make(EventLoop& loop, http::Transport& transport,
                                                    api::ActivitySpec spec, Log log = {});

  Result<std::unique_ptr<ActivityRun>> start(ActivityTask task, ActivityEvents events) override;

 private:
  HttpExecutor(EventLoop& loop, http::Transport& transport, api::ActivitySpec spec, Log log);

  EventLoop& loop_;
  http::Transport& transport_;
  api::ActivitySpec spec_;
  Log log_;
};

}  // namespace berth::worker
