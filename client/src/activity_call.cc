#include "client/src/activity_call.h"

#include <algorithm>
#include <utility>

#include "berth/base/base64.h"
#include "client/src/errors.h"
#include "client/src/polling.h"
#include "client/src/wire.h"

namespace berth::client {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

ClientError activity_error(ErrorKind kind, api::ActivityFailure failure) {
  ClientError e = client_error(
      kind,
      Error::make(kind == ErrorKind::kCancelled ? ErrorCode::kCancelled : ErrorCode::kInternal,
                  failure.type, failure.message));
  e.activity = std::move(failure);
  return e;
}

}  // namespace

ActivityCall::ActivityCall(Parts parts, std::shared_ptr<Session> session, Ask ask, DoneFn done)
    : parts_(std::move(parts)),
      session_(std::move(session)),
      ask_(std::move(ask)),
      done_(std::move(done)),
      retry_({.initial = seconds(1), .max = seconds(30), .factor = 2.0, .jitter = 0.1},
             parts_.random),
      silence_(kNoAnswerBackoff, parts_.random),
      cancel_silence_(kNoAnswerBackoff, parts_.random) {}

void ActivityCall::start() {
  last_answer_ = parts_.loop.clock().now();
  session_->add(shared_from_this());
  new_attempt();
}

Cancel ActivityCall::send(Session::Ask ask, AnswerFn fn) {
  return session_->send(std::move(ask),
                        [weak = weak_from_this(), fn](const Result<http::Response>& result) {
                          if (const auto self = weak.lock(); self && self->done_) {
                            ((*self).*fn)(result);
                          }
                        });
}

void ActivityCall::new_attempt() {
  ++attempts_;
  activity_id_ = ask_.options.id.empty() ? parts_.random.name(kIdLength) : ask_.options.id;
  unclear_ = false;
  version_ = 0;
  output_lost_.reset();
  silence_.reset();
  api::StartActivity start;
  start.activity_id = api::ActivityId(activity_id_);
  start.type = ask_.type;
  start.input = ask_.input;
  start.start_to_close_timeout = ask_.options.start_to_close_timeout;
  start.heartbeat_timeout = ask_.options.heartbeat_timeout;
  body_ = dump_json(to_json(start));
  post();
}

// --- starting

void ActivityCall::post() {
  step_ = Step::kStarting;
  in_flight_ = true;
  call_ = send({.method = "POST",
                .suffix = "/activities",
                .body = body_,
                .options = session_->usual_options()},
               &ActivityCall::posted);
}

void ActivityCall::posted(const Result<http::Response>& result) {
  in_flight_ = false;
  if (unanswered(result)) {
    unclear_ = unclear_ || maybe_carried_out(result);
    if (cancelling_ && !unclear_) {
      finish(fail(cancelled("the activity was cancelled before it began")));
    } else if (cancelling_) {
      send_cancel();
    } else {
      again_after_silence(result, &ActivityCall::post);
    }
    return;
  }
  last_answer_ = parts_.loop.clock().now();
  silence_.reset();
  if (!result || result->status >= 400) {
    refused(error_of(result));
    return;
  }
  step_ = Step::kRunning;
  if (cancelling_) {
    send_cancel();
  }
  read_output();
  take(result);
}

void ActivityCall::refused(const Error& error) {
  step_ = Step::kIdle;
  if (cancelling_) {
    finish(fail(cancelled("the activity was cancelled before it began")));
    return;
  }
  const bool may_pass = error.code == ErrorCode::kResourceExhausted ||
                        error.code == ErrorCode::kUnavailable || error.code == ErrorCode::kInternal;
  if (!may_pass || !try_another(error.retry_after)) {
    finish(fail(client_error(error)));
  }
}

bool ActivityCall::try_another(const std::optional<milliseconds>& at_least) {
  if (attempts_ >= ask_.options.max_attempts) {
    return false;
  }
  step_ = Step::kIdle;
  const Duration pause = std::max<Duration>(retry_.next(), at_least.value_or(milliseconds(0)));
  call_ = parts_.loop.call_after(pause, [this] { new_attempt(); });
  return true;
}

// --- watching

void ActivityCall::poll() {
  Session::Ask ask{.method = "GET"};
  ask.suffix = "/activities/" + activity_id_ +
               "?wait=" + std::to_string(std::chrono::duration_cast<seconds>(kPollWait).count()) +
               "&after=" + std::to_string(version_);
  ask.options = session_->usual_options();
  ask.options.deadline += kPollWait;
  ask.options.max_body = kMaxAnswer;
  poll_sent_ = parts_.loop.clock().now();
  call_ = send(std::move(ask), &ActivityCall::polled);
}

void ActivityCall::polled(const Result<http::Response>& result) {
  if (unanswered(result)) {
    again_after_silence(result, &ActivityCall::poll);
    return;
  }
  last_answer_ = parts_.loop.clock().now();
  silence_.reset();
  if (result && result->status < 400) {
    take(result);
    return;
  }
  Error error = error_of(result);
  if (error.reason == "ResultForgotten" || error.reason == "ActivityNotFound") {
    finish(fail(activity_error(cancelling_ ? ErrorKind::kCancelled : ErrorKind::kActivityFailed,
                               {error.reason, error.message, false})));
    return;
  }
  finish(fail(client_error(std::move(error).wrap("waiting for activity " + ask_.type))));
}

void ActivityCall::take(const Result<http::Response>& result) {
  const auto info = parse_answer<api::ActivityInfo>(*result);
  if (!info) {
    finish(
        fail(client_error(ErrorKind::kInternal,
                          Error(info.error()).wrap("reading the state of activity " + ask_.type))));
    return;
  }
  const bool news = info->version > version_;
  version_ = std::max(version_, info->version);
  const auto self = shared_from_this();
  report(*info);
  if (!done_) {
    return;
  }
  if (is_final(info->state)) {
    final(*info);
    return;
  }
  // A worker that answers without news and without waiting must not be hammered.
  const Duration waited = parts_.loop.clock().now() - poll_sent_;
  if (news || waited >= kShortestPoll) {
    poll();
  } else {
    call_ = parts_.loop.call_after(kShortestPoll, [this] { poll(); });
  }
}

void ActivityCall::report(const api::ActivityInfo& info) {
  if (!info.progress.is_null() && info.progress != progress_) {
    progress_ = info.progress;
    if (ask_.callbacks.progress) {
      ask_.callbacks.progress(progress_);
    }
  }
  if (info.stderr_tail != stderr_tail_) {
    stderr_tail_ = info.stderr_tail;
    if (ask_.callbacks.stderr_tail) {
      ask_.callbacks.stderr_tail(stderr_tail_);
    }
  }
}

void ActivityCall::read_output() {
  if (!ask_.callbacks.output || output_) {
    return;
  }
  output_ = std::make_shared<OutputReader>(
      OutputReader::Parts{parts_.loop, parts_.random, parts_.door}, session_, activity_id_,
      ask_.callbacks.output, [this](std::optional<Error> lost) {
        const auto self = shared_from_this();
        output_lost_ = std::move(lost);
        output_.reset();
        if (const auto info = std::exchange(final_, std::nullopt)) {
          settle(*info);
        }
      });
  output_->start();
}

void ActivityCall::final(api::ActivityInfo info) {
  if (output_) {
    final_ = std::move(info);
  } else {
    settle(info);
  }
}

void ActivityCall::settle(const api::ActivityInfo& info) {
  if (info.state == api::ActivityState::kSucceeded) {
    auto output = base64_decode(info.stdout_base64);
    if (!output) {
      finish(fail(client_error(ErrorKind::kInternal,
                               Error::internal("the activity's output is not base64"))));
      return;
    }
    if (output_lost_) {
      finish(fail(activity_error(
          ErrorKind::kActivityFailed,
          {std::string(output_lost_->reason_or_code()),
           "it succeeded, but its output was not all read: " + output_lost_->message, false})));
      return;
    }
    finish(ActivityResult{info.result, info.exit_status, *std::move(output), info.stderr_tail});
    return;
  }
  api::ActivityFailure failure = info.failure.value_or(
      api::ActivityFailure{std::string(to_string(info.state)), "the worker gave no reason", false});
  const bool session_ended = failure.type == "SessionEnded";
  if (session_ended) {
    session_->look();
  }
  const bool closed = session_->state() != SessionState::kOpen;
  if (session_ended || (info.state == api::ActivityState::kCancelled && (cancelling_ || closed))) {
    finish(fail(activity_error(ErrorKind::kCancelled, std::move(failure))));
    return;
  }
  const bool again =
      failure.retryable && !cancelling_ && !closed && info.state != api::ActivityState::kCancelled;
  if (again && try_another(std::nullopt)) {
    parts_.log.info("activity failed; trying again", {{"session", session_->facts().id},
                                                      {"activity", ask_.type},
                                                      {"attempt", attempts_},
                                                      {"failure", failure.type}});
    return;
  }
  finish(fail(activity_error(ErrorKind::kActivityFailed, std::move(failure))));
}

void ActivityCall::again_after_silence(const Result<http::Response>& result,
                                       void (ActivityCall::*step)()) {
  if (!session_->may_wait(last_answer_)) {
    Error error = error_of(result);
    const bool closed = session_->state() != SessionState::kOpen;
    finish(fail(client_error(closed ? ErrorKind::kCancelled : ErrorKind::kUnavailable,
                             std::move(error).wrap("activity " + ask_.type))));
    return;
  }
  call_ = parts_.loop.call_after(silence_.next(), [this, step] { (this->*step)(); });
}

// --- cancelling

void ActivityCall::cancel() {
  if (!done_ || std::exchange(cancelling_, true)) {
    return;
  }
  if (step_ == Step::kRunning || (step_ == Step::kStarting && !in_flight_ && unclear_)) {
    send_cancel();
  } else if (!in_flight_) {
    finish(fail(cancelled("the activity was cancelled before it began")));
  }
}

void ActivityCall::send_cancel() {
  if (step_ == Step::kStarting) {
    call_.cancel();  // No further start; what became of the last one the answer tells.
  }
  cancel_call_ = send({.method = "DELETE",
                       .suffix = "/activities/" + activity_id_,
                       .options = session_->usual_options()},
                      &ActivityCall::cancel_answered);
}

void ActivityCall::cancel_answered(const Result<http::Response>& result) {
  if (unanswered(result)) {
    if (step_ == Step::kStarting && !session_->may_wait(last_answer_)) {
      finish(fail(cancelled("the activity was cancelled; its worker does not answer")));
      return;
    }
    cancel_call_ = parts_.loop.call_after(cancel_silence_.next(), [this] { send_cancel(); });
    return;
  }
  last_answer_ = parts_.loop.clock().now();
  if (step_ != Step::kStarting) {
    return;  // A poll is waiting for its end.
  }
  if (result && result->status < 400) {
    step_ = Step::kRunning;
    read_output();
    poll();
    return;
  }
  finish(fail(cancelled("the activity was cancelled before it began")));
}

void ActivityCall::session_over(const ClientError& why) {
  finish(fail(why));
}

void ActivityCall::finish(Outcome<ActivityResult> outcome) {
  const auto self = shared_from_this();
  const auto done = std::exchange(done_, nullptr);
  if (!done) {
    return;
  }
  call_.cancel();
  cancel_call_.cancel();
  if (const auto output = std::exchange(output_, nullptr)) {
    output->stop();
  }
  const auto callbacks = std::exchange(ask_.callbacks, {});
  session_->remove(*this);
  done(std::move(outcome));
}

}  // namespace berth::client
