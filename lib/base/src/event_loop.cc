#include "berth/base/event_loop.h"

#include <signal.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <cerrno>
#include <cstdint>
#include <map>
#include <system_error>

#include "berth/base/file.h"

namespace berth {

namespace asio = boost::asio;

struct AsioLoop::Impl {
  // The number makes keys unique: a handle finds its own timer or none, and equal times run in
  // order of asking.
  using TimerMap = std::map<std::pair<TimePoint, std::uint64_t>, std::function<void()>>;

  Impl() : context(1), timer(context) {
    const int fd = ::timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    if (fd < 0) {
      throw std::system_error(errno, std::generic_category(), "timerfd_create");
    }
    timer.assign(fd);
  }

  void arm() {
    const TimePoint next = timers->empty() ? TimePoint::max() : timers->begin()->first.first;
    if (next == armed_for) {
      return;
    }
    armed_for = next;
    itimerspec spec{};
    if (next != TimePoint::max()) {
      // A zero value would disarm the timer, so anything in the past becomes one nanosecond.
      const auto at = std::max<Duration::rep>(next.time_since_epoch().count(), 1);
      spec.it_value.tv_sec = at / 1'000'000'000;
      spec.it_value.tv_nsec = at % 1'000'000'000;
    }
    ::timerfd_settime(timer.native_handle(), TFD_TIMER_ABSTIME, &spec, nullptr);
    if (!waiting && next != TimePoint::max()) {
      wait();
    }
  }

  void wait() {
    waiting = true;
    timer.async_wait(asio::posix::stream_descriptor::wait_read,
                     [this](const boost::system::error_code& ec) {
                       waiting = false;
                       if (!ec) {
                         fire();
                       }
                     });
  }

  void fire() {
    std::uint64_t expirations = 0;
    [[maybe_unused]] const auto n = ::read(timer.native_handle(), &expirations, sizeof expirations);
    armed_for = TimePoint::max();
    // Only what is due now: a callback that re-arms itself with no delay must not starve IO.
    const TimePoint now = clock.now();
    while (!timers->empty() && timers->begin()->first.first <= now) {
      auto node = timers->extract(timers->begin());
      node.mapped()();
    }
    arm();
  }

  SystemClock clock;
  asio::io_context context;
  asio::posix::stream_descriptor timer;
  // Shared with the Cancel handles, which may outlive the loop.
  std::shared_ptr<TimerMap> timers = std::make_shared<TimerMap>();
  std::uint64_t last_timer = 0;
  TimePoint armed_for = TimePoint::max();
  bool waiting = false;
};

AsioLoop::AsioLoop() : impl_(std::make_unique<Impl>()) {}
AsioLoop::~AsioLoop() {
  // Callbacks own things whose destructors cancel timers; let them go while the map is still in
  // place.
  auto timers = impl_->timers;
  while (!timers->empty()) {
    auto node = timers->extract(timers->begin());
  }
}

void AsioLoop::post(std::function<void()> fn) {
  asio::post(impl_->context, std::move(fn));
}

Cancel AsioLoop::call_at(TimePoint when, std::function<void()> fn) {
  const std::pair key(when, ++impl_->last_timer);
  impl_->timers->emplace(key, std::move(fn));
  impl_->arm();
  return Cancel([weak = std::weak_ptr(impl_->timers), key] {
    if (const auto timers = weak.lock()) {
      // Extracted first: destroying the callback may cancel other timers.
      const auto node = timers->extract(key);
    }
  });
}

const Clock& AsioLoop::clock() const {
  return impl_->clock;
}
void AsioLoop::run() {
  auto guard = asio::make_work_guard(impl_->context);
  impl_->context.run();
  // Afterwards, not before: a stop() that comes ahead of us counts. Letting go of the last work
  // counts as one too, so that comes first.
  guard.reset();
  impl_->context.restart();
}
void AsioLoop::stop() {
  impl_->context.stop();
}

Cancel AsioLoop::on_signals(const std::vector<int>& signals, std::function<void(int)> fn) {
  struct State {
    State(asio::io_context& c, std::function<void(int)> f) : set(c), fn(std::move(f)) {}
    asio::signal_set set;
    std::function<void(int)> fn;
    static void next(const std::shared_ptr<State>& self) {
      self->set.async_wait([self](const boost::system::error_code& ec, int signal) {
        if (!ec && self->fn) {
          self->fn(signal);
          next(self);
        }
      });
    }
  };
  auto state = std::make_shared<State>(impl_->context, std::move(fn));
  sigset_t awaited;
  ::sigemptyset(&awaited);
  for (const int s : signals) {
    state->set.add(s);
    ::sigaddset(&awaited, s);
  }
  // A blocked mask survives exec: whoever started us may have left one.
  ::pthread_sigmask(SIG_UNBLOCK, &awaited, nullptr);
  State::next(state);
  return Cancel([weak = std::weak_ptr(state)] {
    if (const auto s = weak.lock()) {
      s->fn = nullptr;
      boost::system::error_code ignored;
      s->set.cancel(ignored);
    }
  });
}

boost::asio::io_context& AsioLoop::context() {
  return impl_->context;
}

}  // namespace berth
