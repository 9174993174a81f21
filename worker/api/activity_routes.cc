#include <algorithm>

#include "worker/api/worker_api.h"

namespace berth::worker {
namespace {

constexpr std::uint64_t kMaxActivityBody = 4u << 20;
constexpr std::size_t kMaxPolls = 10'000;

}  // namespace

/// A caller waiting for an activity to change.
struct WorkerApi::Poll {
  SessionCall call;
  api::ActivityId activity;
  std::optional<std::int64_t>
      after;  ///< Answer when the version is above; absent: when it is final.
  bool done = false;
  Cancel watch;
  Cancel timer;
  std::list<std::shared_ptr<Poll>>::iterator place;
};

void WorkerApi::add_activity_routes(http::Router& router) {
  const auto owned = [this](void (WorkerApi::*handler)(const SessionCall&)) -> http::Handler {
    return [this, handler](const ExchangePtr& exchange) {
      if (const auto call = SessionCall::open(parts_.service, exchange)) {
        (this->*handler)(*call);
      }
    };
  };
  const char* one = "/v1/sessions/{id}/activities/{activityId}";
  router.add("POST", "/v1/sessions/{id}/activities", owned(&WorkerApi::start_activity),
             {.max_bytes = kMaxActivityBody});
  router.add("GET", one, owned(&WorkerApi::get_activity));
  router.add("DELETE", one, owned(&WorkerApi::cancel_activity));
  router.add("GET", "/v1/sessions/{id}/activities/{activityId}/output",
             owned(&WorkerApi::get_output));
}

void WorkerApi::start_activity(const SessionCall& call) {
  bool is_new = false;
  auto info = json_body(call.exchange().request())
                  .and_then(api::StartActivity::parse)
                  .and_then([&](api::StartActivity ask) {
                    return parts_.service.start_activity(call.id(), std::move(ask), is_new);
                  });
  if (info) {
    call.reply(is_new ? 202 : 200, api::to_json(*info));
  } else {
    call.reply(info.error());
  }
}

void WorkerApi::get_activity(const SessionCall& call) {
  const http::Request& request = call.exchange().request();
  const api::ActivityId id(call.exchange().param("activityId"));
  const auto wait = seconds_query(request, "wait");
  const auto after = int_query(request, "after");
  if (!wait || !after) {
    call.reply(wait ? after.error() : wait.error());
    return;
  }
  auto poll = std::make_shared<Poll>(Poll{call, id, {}, false, {}, {}, {}});
  if (request.query("after")) {
    poll->after = *after;
  }
  poll->place = polls_.insert(polls_.end(), poll);
  const auto info = parts_.service.activity(call.id(), id);
  const bool waits = info && !api::is_final(info->state) && *wait > Duration{0} &&
                     (!poll->after || info->version <= *poll->after);
  if (!waits) {
    answer_activity(poll);
    return;
  }
  if (polls_.size() > kMaxPolls) {
    const std::shared_ptr<Poll> oldest = polls_.front();  // Answering takes it off the list.
    answer_activity(oldest);
  }
  const std::weak_ptr<Poll> weak = poll;
  poll->watch = parts_.service.watch_activity(call.id(), id, [this, weak] {
    const auto self = weak.lock();
    if (!self || self->done) {
      return;
    }
    const auto now = parts_.service.activity(self->call.id(), self->activity);
    if (!now || api::is_final(now->state) || (self->after && now->version > *self->after)) {
      answer_activity(self);
    }
  });
  poll->timer = parts_.loop.call_after(std::min(*wait, kLongestWait), [this, weak] {
    if (const auto self = weak.lock()) {
      answer_activity(self);
    }
  });
  call.shared()->on_client_gone([this, weak] {
    if (const auto self = weak.lock(); self && !self->done) {
      self->done = true;
      polls_.erase(self->place);
    }
  });
}

void WorkerApi::answer_activity(const std::shared_ptr<Poll>& poll) {
  if (std::exchange(poll->done, true)) {
    return;
  }
  polls_.erase(poll->place);
  const auto info = parts_.service.activity(poll->call.id(), poll->activity);
  if (info) {
    poll->call.reply(200, api::to_json(*info));
  } else {
    poll->call.reply(info.error());
  }
}

void WorkerApi::cancel_activity(const SessionCall& call) {
  const api::ActivityId id(call.exchange().param("activityId"));
  if (const auto done = parts_.service.cancel_activity(call.id(), id); !done) {
    call.reply(done.error());
    return;
  }
  const auto info = parts_.service.activity(call.id(), id);
  if (info) {
    call.reply(api::is_final(info->state) ? 200 : 202, api::to_json(*info));
  } else {
    call.reply(info.error());
  }
}

}  // namespace berth::worker
