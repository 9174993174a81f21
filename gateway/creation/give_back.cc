#include "gateway/creation/give_back.h"

#include <utility>

#include "berth/http/server.h"

namespace berth::gateway {
namespace {

/// 404 and 410: it is not there. 409: it is in use or somebody else's. 401 and 403: another pod
/// answers at that address, so ours is gone.
bool settles(int status) {
  return status < 300 || status == 401 || status == 403 || status == 404 || status == 409 ||
         status == 410;
}

}  // namespace

struct GiveBack::Job {
  Job(Opened o, TimePoint end, Backoff::Settings settings, Random& random)
      : opened(std::move(o)), until(end), backoff(settings, random) {}
  Opened opened;
  TimePoint until;
  Backoff backoff;
  Cancel call;
  Cancel pause;
};

GiveBack::GiveBack(EventLoop& loop, WorkerClient& client, Random& random, Settings settings,
                   Log log)
    : loop_(loop), client_(client), random_(random), settings_(settings), log_(std::move(log)) {}

GiveBack::~GiveBack() = default;

void GiveBack::start(const Opened& opened) {
  if (jobs_.size() >= settings_.max_pending) {
    log_.warn("too many sessions to give back; left to its lease",
              {{"session", opened.id.str()}, {"pod", opened.pod.name}});
    return;
  }
  const std::uint64_t number = ++last_;
  auto job =
      std::make_unique<Job>(opened, loop_.clock().now() + opened.lease, settings_.backoff, random_);
  Job& ref = *jobs_.emplace(number, std::move(job)).first->second;
  log_.info("caller has gone; giving its session back",
            {{"session", opened.id.str()}, {"pool", opened.pool_key}, {"pod", opened.pod.name}});
  send(number, ref);
}

void GiveBack::send(std::uint64_t number, Job& job) {
  job.call = client_.give_back(job.opened.pod, job.opened.id, job.opened.attempt,
                               [this, number, &job](const Result<http::Response>& result) {
                                 answered(number, job, result);
                               });
}

void GiveBack::answered(std::uint64_t number, Job& job, const Result<http::Response>& result) {
  if (result && settles(result->status)) {
    log_.debug("give-back answered",
               {{"session", job.opened.id.str()}, {"status", result->status}});
    finish(number);
    return;
  }
  const Duration pause = job.backoff.next();
  if (loop_.clock().now() + pause >= job.until) {
    const Error error = result ? http::error_from_response(*result) : result.error();
    log_.warn("session could not be given back; its lease frees it",
              {{"session", job.opened.id.str()}, {"pod", job.opened.pod.name}, {"error", error}});
    finish(number);
    return;
  }
  job.pause = loop_.call_after(pause, [this, number, &job] { send(number, job); });
}

void GiveBack::finish(std::uint64_t number) {
  jobs_.erase(number);
  if (jobs_.empty() && idle_) {
    loop_.post(std::exchange(idle_, nullptr));
  }
}

void GiveBack::when_idle(DoneFn done) {
  if (jobs_.empty()) {
    loop_.post(std::move(done));
  } else {
    idle_ = std::move(done);
  }
}

}  // namespace berth::gateway
