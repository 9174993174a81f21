#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "berth/base/clock.h"

namespace boost::asio {
class io_context;
}

namespace berth {

/// Calls its function once when it goes out of scope, unless released. Move-only. The handle that
/// every "stop this later" in Berth returns: destroy it to stop.
class [[nodiscard]] Cancel {
 public:
  Cancel() = default;
  explicit Cancel(std::function<void()> fn) : fn_(std::move(fn)) {}
  Cancel(Cancel&& other) noexcept : fn_(std::exchange(other.fn_, nullptr)) {}
  Cancel& operator=(Cancel&& other) noexcept {
    if (this != &other) {
      cancel();
      fn_ = std::exchange(other.fn_, nullptr);
    }
    return *this;
  }
  ~Cancel() { cancel(); }

  void cancel() {
    if (auto fn = std::exchange(fn_, nullptr)) {
      fn();
    }
  }
  /// Let it happen: the destructor does nothing any more.
  void release() { fn_ = nullptr; }
  explicit operator bool() const { return fn_ != nullptr; }

 private:
  std::function<void()> fn_;
};

/// A single-threaded event loop: the one thread on which a program's state lives.
///
/// Every part of Berth keeps its state on one loop and is touched only from it, so there are hardly
/// any mutexes. `post` is the only member that other threads may call. Callbacks never run inside
/// the call that registers them. The loop outlives everything that holds a reference to it.
class EventLoop {
 public:
  virtual ~EventLoop() = default;

  /// Runs `fn` on the loop, in the order of posting. Thread-safe.
  virtual void post(std::function<void()> fn) = 0;

  /// Runs `fn` on the loop once `clock().now() >= when`. Loop thread only. Destroying the handle
  /// cancels.
  virtual Cancel call_at(TimePoint when, std::function<void()> fn) = 0;
  Cancel call_after(Duration delay, std::function<void()> fn) {
    return call_at(clock().now() + delay, std::move(fn));
  }

  virtual const Clock& clock() const = 0;
};

/// The real loop, on Boost.Asio, with timers on CLOCK_BOOTTIME (timerfd).
class AsioLoop final : public EventLoop {
 public:
  AsioLoop();
  ~AsioLoop() override;
  AsioLoop(const AsioLoop&) = delete;
  AsioLoop& operator=(const AsioLoop&) = delete;

  void post(std::function<void()> fn) override;
  Cancel call_at(TimePoint when, std::function<void()> fn) override;
  const Clock& clock() const override;

  /// Runs until stop(). The calling thread becomes the loop thread.
  void run();
  /// Thread-safe. run() returns after the callback that is running; what was posted later waits for
  /// the next run(). Before run(), ends the next one at once.
  void stop();
  /// Calls `fn` on the loop for each arrival of one of `signals`, for as long as the handle lives.
  /// Unblocks them in the calling thread, so that a mask inherited from the parent does not hide
  /// them.
  Cancel on_signals(const std::vector<int>& signals, std::function<void(int)> fn);

  /// For lib/http only.
  boost::asio::io_context& context();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace berth
