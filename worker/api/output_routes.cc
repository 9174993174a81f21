#include <algorithm>

#include "worker/api/worker_api.h"

// A streamed activity's output, by long polls.
namespace berth::worker {
namespace {

// Lives in its timer, until it is answered or the client has gone: the exchange, which it holds,
// must not hold it.
struct OutputPoll {
  OutputPoll(WorkerService& s, SessionCall c, api::ActivityId id, std::int64_t offset)
      : service(s), call(std::move(c)), activity(std::move(id)), after(offset) {}

  void answer() {
    if (std::exchange(done, true)) {
      return;
    }
    const auto stream = service.activity_output(call.id(), activity);
    const auto output =
        stream ? (*stream)->read(after) : Result<api::ActivityOutput>(fail(stream.error()));
    if (output) {
      call.reply(200, api::to_json(*output));
    } else {
      call.reply(output.error());
    }
    end();
  }
  // Callers hold the poll: this may be its last owner's end.
  void end() {
    done = true;
    watch.cancel();
    timer.cancel();
  }
  void look() {
    const auto stream = service.activity_output(call.id(), activity);
    if (!stream || (*stream)->has_news(after)) {
      answer();
    }
  }

  WorkerService& service;
  SessionCall call;
  api::ActivityId activity;
  std::int64_t after;
  bool done = false;
  Cancel watch;
  Cancel timer;
};

}  // namespace

void WorkerApi::get_output(const SessionCall& call) {
  const http::Request& request = call.exchange().request();
  const auto wait = seconds_query(request, "wait");
  const auto after = int_query(request, "after");
  if (!wait || !after) {
    call.reply(wait ? after.error() : wait.error());
    return;
  }
  const auto poll = std::make_shared<OutputPoll>(
      parts_.service, call, api::ActivityId(call.exchange().param("activityId")), *after);
  if (*wait == Duration{0}) {
    poll->answer();
    return;
  }
  const std::weak_ptr<OutputPoll> weak = poll;
  call.shared()->on_client_gone([weak] {
    if (const auto self = weak.lock()) {
      self->end();
    }
  });
  poll->watch = parts_.service.watch_activity(call.id(), poll->activity, [weak] {
    if (const auto self = weak.lock()) {
      self->look();
    }
  });
  poll->timer =
      parts_.loop.call_after(std::min(*wait, kLongestWait), [self = poll] { self->answer(); });
  // The command may wait for room, and this poll for the command.
  if (const auto stream = parts_.service.activity_output(call.id(), poll->activity)) {
    (void)(*stream)->take(*after);  // A refusal is for the answer to tell.
  }
  poll->look();
}

}  // namespace berth::worker
