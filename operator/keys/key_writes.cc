#include "operator/keys/key_writes.h"

#include <algorithm>

namespace berth::op {
namespace {

constexpr std::size_t kMostFlying = 16;
constexpr Duration kSoon = std::chrono::milliseconds(100);
constexpr Backoff::Settings kRetryBackoff{std::chrono::milliseconds(500), std::chrono::minutes(1),
                                          2.0, 0.5};

}  // namespace

KeyWrites::Write::Write(Random& random) : backoff(kRetryBackoff, random) {}

KeyWrites::KeyWrites(EventLoop& loop, Random& random, Log log, Hooks hooks)
    : loop_(loop), random_(random), log_(std::move(log)), hooks_(std::move(hooks)) {}

bool KeyWrites::may_start(const std::string& object) {
  const Write& w = writes_.try_emplace(object, random_).first->second;
  return !w.flying && flying_ < kMostFlying && loop_.clock().now() >= w.not_before &&
         hooks_.may_write();
}

void KeyWrites::start(const std::string& object,
                      const std::function<Cancel(kube::Client::ObjectFn)>& begin,
                      std::function<void(const Json&)> written) {
  Write& w = writes_.at(object);
  w.flying = true;
  ++flying_;
  w.call = begin([this, object, written = std::move(written)](const Result<Json>& r) {
    Write& done = writes_.at(object);
    done.call.release();
    done.flying = false;
    --flying_;
    if (r) {
      done.backoff.reset();
      written(*r);
      hooks_.look_again(Duration::zero());
    } else {
      failed(object, done, r.error());
    }
  });
}

void KeyWrites::failed(const std::string& object, Write& write, const Error& error) {
  const Duration delay = write.backoff.next(error);
  write.not_before = loop_.clock().now() + delay;
  write.retry = loop_.call_after(delay, [this] { hooks_.look_again(Duration::zero()); });
  hooks_.look_again(kSoon);  // For those that had no room beside it.
  // Somebody else was faster: the watch shows what they wrote.
  if (error.code != ErrorCode::kConflict && error.code != ErrorCode::kAlreadyExists) {
    log_.warn("writing keys failed", {{"object", object}, {"error", error}});
  }
}

}  // namespace berth::op
