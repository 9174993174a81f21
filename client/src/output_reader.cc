#include "client/src/output_reader.h"

#include <utility>

#include "client/src/errors.h"
#include "client/src/polling.h"

namespace berth::client {
namespace {

using std::chrono::seconds;

// The worker sends 256 KiB at most, which as JSON may take six times that.
constexpr std::uint64_t kMaxOutputAnswer = 4U << 20;

}  // namespace

OutputReader::OutputReader(Parts parts, std::shared_ptr<Session> session, std::string activity_id,
                           OutputFn output, DoneFn done)
    : parts_(std::move(parts)),
      session_(std::move(session)),
      activity_id_(std::move(activity_id)),
      output_(std::move(output)),
      done_(std::move(done)),
      silence_(kNoAnswerBackoff, parts_.random) {}

void OutputReader::start() {
  last_answer_ = parts_.loop.clock().now();
  poll();
}

void OutputReader::stop() {
  done_ = nullptr;
  call_.cancel();
}

void OutputReader::poll() {
  Session::Ask ask{.method = "GET"};
  ask.suffix = "/activities/" + activity_id_ +
               "/output?wait=" + std::to_string(kPollWait / seconds(1)) +
               "&after=" + std::to_string(next_);
  ask.options = session_->usual_options();
  ask.options.deadline += kPollWait;
  ask.options.max_body = kMaxOutputAnswer;
  poll_sent_ = parts_.loop.clock().now();
  call_ = session_->send(std::move(ask),
                         [weak = weak_from_this()](const Result<http::Response>& result) {
                           if (const auto self = weak.lock(); self && self->done_) {
                             self->polled(result);
                           }
                         });
}

void OutputReader::polled(const Result<http::Response>& result) {
  call_.release();
  if (unanswered(result)) {
    if (session_->may_wait(last_answer_)) {
      call_ = parts_.loop.call_after(silence_.next(), [this] { poll(); });
    } else {
      finish(error_of(result));
    }
    return;
  }
  last_answer_ = parts_.loop.clock().now();
  silence_.reset();
  if (!result || result->status >= 400) {
    finish(error_of(result));
    return;
  }
  auto output = parse_answer<api::ActivityOutput>(*result);
  if (!output) {
    finish(std::move(output).error().wrap("reading the activity's output"));
    return;
  }
  take(*std::move(output));
}

void OutputReader::take(api::ActivityOutput output) {
  next_ = output.next;
  end_ = output.end;
  if (!output.chunks.empty()) {
    // Not called at all if it is lost: then the activity's command waits, as for any slow reader.
    output_(std::move(output.chunks),
            [door = parts_.door, weak = weak_from_this(), offset = next_] {
              door->post([weak, offset] {
                if (const auto self = weak.lock(); self && self->done_) {
                  self->taken(offset);
                }
              });
            });
    return;
  }
  if (end_) {
    finish(std::nullopt);
    return;
  }
  // A worker that answers without output and without waiting must not be hammered.
  const Duration waited = parts_.loop.clock().now() - poll_sent_;
  if (waited >= kShortestPoll) {
    poll();
  } else {
    call_ = parts_.loop.call_after(kShortestPoll, [this] { poll(); });
  }
}

void OutputReader::taken(std::int64_t offset) {
  if (offset != next_ || call_) {
    return;  // A second call for the same piece.
  }
  if (end_) {
    finish(std::nullopt);
  } else {
    poll();
  }
}

void OutputReader::finish(std::optional<Error> lost) {
  const auto self = shared_from_this();
  if (const auto done = std::exchange(done_, nullptr)) {
    call_.cancel();
    done(std::move(lost));
  }
}

}  // namespace berth::client
