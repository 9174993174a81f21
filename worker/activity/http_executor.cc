#include "worker/activity/http_executor.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "berth/base/json.h"
#include "worker/activity/http_answer.h"
#include "worker/activity/outcome.h"
#include "worker/activity/run_reporter.h"
#include "worker/activity/run_timers.h"

namespace berth::worker {
namespace {

// The timeouts of the activity decide, and they end it properly; a call that is merely given up
// goes on in the app.
constexpr Duration kNoDeadline = std::chrono::hours(24 * 365);
constexpr Duration kCancelDeadline = std::chrono::seconds(10);
constexpr Duration kCancelRetry = std::chrono::seconds(1);
constexpr Duration kStuckAfterGrace = std::chrono::seconds(5);

http::Request post_json(const http::Url& url, std::string body) {
  http::Request request;
  request.method = "POST";
  request.target = url.path;
  request.headers = {{"Content-Type", "application/json"},
                     {"Accept", "application/json, application/x-ndjson"}};
  request.body = std::move(body);
  return request;
}

class HttpRun final : public ActivityRun {
 public:
  HttpRun(EventLoop& loop, http::Transport& transport, const api::ActivitySpec& spec, Log log,
          const ActivityTask& task, ActivityEvents events)
      : loop_(loop),
        transport_(transport),
        log_(std::move(log)),
        cancel_url_(spec.http_cancel_url),
        activity_id_(task.activity_id.str()),
        kill_grace_(spec.kill_grace),
        max_bytes_(spec.max_output_bytes),
        reporter_(loop, std::move(events)),
        timers_(loop, task.start_to_close_timeout, spec.start_to_close_timeout,
                task.heartbeat_timeout,
                [this](api::ActivityFailure f) { stop(timed_out(std::move(f))); }) {}

  void call(const http::Url& url, const ActivityTask& task) {
    http::Request request = post_json(url, dump_json(task.input));
    request.headers.add("Berth-Session-Id", task.session_id.str());
    request.headers.add("Berth-Activity-Id", task.activity_id.str());
    request.headers.add("Berth-Session-Dir", task.directory.string());
    http::CallOptions options;
    options.deadline = kNoDeadline;
    options.max_body = static_cast<std::uint64_t>(max_bytes_);
    options.stream = true;
    call_ = transport_.send(url.origin(), std::move(request), options,
                            [this](Result<http::Response> r) { on_response(std::move(r)); });
  }

  void cancel(const std::string& why) override { stop(cancelled(why)); }
  bool stuck() const override { return stuck_; }

 private:
  void on_response(Result<http::Response> response) {
    call_.release();
    if (!response) {
      on_lost(response.error());
      return;
    }
    HttpAnswer::Callbacks callbacks;
    callbacks.progress = [this](Json value) {
      timers_.heard();
      reporter_.progress(std::move(value));
    };
    callbacks.done = [this](ActivityOutcome o) { finish(std::move(o)); };
    callbacks.lost = [this](const Error& e) { on_lost(e); };
    answer_.emplace(loop_, std::move(*response), max_bytes_, std::move(callbacks));
  }

  void on_lost(const Error& error) {
    ActivityOutcome outcome =
        failed("Unavailable", "calling the application: " + error.message, true);
    if (error.reason == "ConnectFailed" || cancel_url_.empty()) {
      finish(std::move(outcome));
    } else {
      stop(std::move(outcome));
    }
  }

  void stop(ActivityOutcome verdict) {
    if (reporter_.is_done() || verdict_) {
      return;
    }
    verdict_ = std::move(verdict);
    timers_.stop();
    stuck_timer_ = loop_.call_after(kill_grace_ + kStuckAfterGrace, [this] {
      stuck_ = true;
      log_.error("the application does not stop an activity; its slot stays used",
                 {{"activity", activity_id_}, {"cancelUrl", cancel_url_}});
    });
    if (!cancel_url_.empty()) {
      send_cancel();
    }
  }

  void send_cancel() {
    const auto url = http::Url::parse(cancel_url_);
    http::CallOptions options;
    options.deadline = std::min(kCancelDeadline, std::max(kill_grace_, kCancelRetry));
    cancel_call_ =
        transport_.send(url->origin(), post_json(*url, dump_json({{"activityId", activity_id_}})),
                        options, [this](const Result<http::Response>& r) { on_cancel_answer(r); });
  }

  void on_cancel_answer(const Result<http::Response>& response) {
    cancel_call_.release();
    const int status = response ? response->status : 0;
    const bool nobody_there = !response && response.error().reason == "ConnectFailed";
    if (nobody_there || status == 404 || status == 410 || (status >= 200 && status < 300)) {
      finish({});
      return;
    }
    log_.warn("cancelling an activity in the application failed; trying again",
              {{"activity", activity_id_},
               {"answer", response ? std::to_string(status) : response.error().text()}});
    retry_timer_ = loop_.call_after(kCancelRetry, [this] { send_cancel(); });
  }

  // A verdict goes before what the application answered.
  void finish(ActivityOutcome outcome) {
    if (reporter_.is_done()) {
      return;
    }
    timers_.stop();
    stuck_timer_.cancel();
    retry_timer_.cancel();
    stuck_ = false;
    reporter_.done(verdict_ ? std::move(*verdict_) : std::move(outcome));
  }

  EventLoop& loop_;
  http::Transport& transport_;
  Log log_;
  std::string cancel_url_;
  std::string activity_id_;
  Duration kill_grace_;
  std::int64_t max_bytes_;
  RunReporter reporter_;
  RunTimers timers_;
  std::optional<ActivityOutcome> verdict_;
  bool stuck_ = false;
  Cancel stuck_timer_;
  Cancel retry_timer_;
  Cancel call_;
  Cancel cancel_call_;
  std::optional<HttpAnswer> answer_;
};

}  // namespace

HttpExecutor::HttpExecutor(EventLoop& loop, http::Transport& transport, api::ActivitySpec spec,
                           Log log)
    : loop_(loop), transport_(transport), spec_(std::move(spec)), log_(std::move(log)) {}

Result<std::shared_ptr<HttpExecutor>> HttpExecutor::make(EventLoop& loop,
                                                         http::Transport& transport,
                                                         api::ActivitySpec spec, Log log) {
  BERTH_TRY(http::Url::parse(spec.http_url));
  if (!spec.http_cancel_url.empty()) {
    BERTH_TRY(http::Url::parse(spec.http_cancel_url));
  }
  return std::shared_ptr<HttpExecutor>(
      new HttpExecutor(loop, transport, std::move(spec), std::move(log)));
}

Result<std::unique_ptr<ActivityRun>> HttpExecutor::start(ActivityTask task, ActivityEvents events) {
  BERTH_ASSIGN(const http::Url url, http::Url::parse(spec_.http_url));
  auto run = std::make_unique<HttpRun>(loop_, transport_, spec_, log_, task, std::move(events));
  run->call(url, task);
  return run;
}

}  // namespace berth::worker
