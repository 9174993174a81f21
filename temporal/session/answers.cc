#include "temporal/session/answers.h"

#include <utility>

namespace berth::temporal {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

}  // namespace

Answers::Answers(EventLoop& loop, Service& service, Random& random, Log log)
    : loop_(loop), service_(service), random_(random), log_(std::move(log)) {}

void Answers::completed(std::string token, Json result, std::function<void()> then) {
  add(
      [this, token = std::move(token), result = std::move(result)](Service::DoneFn<void> done) {
        return service_.completed(token, result, std::move(done));
      },
      std::move(then));
}

void Answers::failed(std::string token, Failure failure, std::function<void()> then) {
  add([this, token = std::move(token), failure = std::move(failure)](
          Service::DoneFn<void> done) { return service_.failed(token, failure, std::move(done)); },
      std::move(then));
}

void Answers::cancelled(std::string token) {
  add([this, token = std::move(token)](Service::DoneFn<void> done) {
    return service_.cancelled(token, std::move(done));
  });
}

void Answers::add(SendFn fn, std::function<void()> then) {
  const std::uint64_t id = ++last_;
  const Backoff::Settings settings{
      .initial = milliseconds(200), .max = seconds(10), .factor = 2.0, .jitter = 0.2};
  pending_.emplace(id, Pending{std::move(fn), Backoff(settings, random_),
                               loop_.clock().now() + kTaskPatience, std::move(then), Cancel()});
  send(id);
}

void Answers::send(std::uint64_t id) {
  Pending& p = pending_.at(id);
  p.step = p.send([this, id](const Status& status) { answered(id, status); });
}

void Answers::answered(std::uint64_t id, const Status& status) {
  Pending& p = pending_.at(id);
  if (!status && !is_over(status.error()) && loop_.clock().now() < p.give_up_at) {
    p.step = loop_.call_after(p.backoff.next(status.error()), [this, id] { send(id); });
    return;
  }
  if (!status && status.error().code == ErrorCode::kNotFound) {
    // Usual after a workflow has ended, or after CompleteSession.
    log_.info("the workflow waits no longer for an outcome", {{"error", status.error()}});
  } else if (!status) {
    log_.warn("an outcome did not reach its workflow", {{"error", status.error()}});
  }
  const auto then = std::move(p.then);
  pending_.erase(id);
  if (then) {
    then();
  }
}

}  // namespace berth::temporal
