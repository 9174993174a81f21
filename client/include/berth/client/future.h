#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "berth/client/error.h"

namespace berth::client {

/// The answer to an operation that is under way. Copies share it. Thread-safe. Dropping it abandons nothing: the
/// operation goes on. Do not wait on the client's own thread (inside a `then` callback).
template <class T>
class Future {
 public:
  /// Waits for the answer.
  const Outcome<T>& get() const {
    std::unique_lock lock(state_->mutex);
    state_->ready.wait(lock, [&] { return state_->outcome.has_value(); });
    return *state_->outcome;
  }
  bool wait_for(std::chrono::nanoseconds timeout) const {
    std::unique_lock lock(state_->mutex);
    return state_->ready.wait_for(lock, timeout, [&] { return state_->outcome.has_value(); });
  }
  bool is_ready() const {
    const std::lock_guard lock(state_->mutex);
    return state_->outcome.has_value();
  }
  /// Asks the operation to stop; get() then gives its real end: kCancelled, or success if that came first.
  void cancel() const {
    std::function<void()> fn;
    {
      const std::lock_guard lock(state_->mutex);
      if (!state_->outcome) {
        fn = state_->on_cancel;
      }
    }
    if (fn) {
      fn();
    }
  }
  /// Calls `fn` once with the answer, on the client's thread, or at once on this one if it is there already.
  void then(std::function<void(const Outcome<T>&)> fn) const {
    {
      const std::lock_guard lock(state_->mutex);
      if (!state_->outcome) {
        state_->callbacks.push_back(std::move(fn));
        return;
      }
    }
    fn(*state_->outcome);
  }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable ready;
    std::optional<Outcome<T>> outcome;
    std::vector<std::function<void(const Outcome<T>&)>> callbacks;
    std::function<void()> on_cancel;
  };
  template <class U>
  friend class Promise;
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

/// The giving side of a Future. For the client's own code.
template <class T>
class Promise {
 public:
  Future<T> future() const { return future_; }
  void on_cancel(std::function<void()> fn) const {
    const std::lock_guard lock(future_.state_->mutex);
    future_.state_->on_cancel = std::move(fn);
  }
  /// The first call counts.
  void set(Outcome<T> outcome) const {
    std::vector<std::function<void(const Outcome<T>&)>> callbacks;
    auto& state = *future_.state_;
    {
      const std::lock_guard lock(state.mutex);
      if (state.outcome) {
        return;
      }
      state.outcome.emplace(std::move(outcome));
      callbacks.swap(state.callbacks);
      state.on_cancel = nullptr;
    }
    state.ready.notify_all();
    for (const auto& fn : callbacks) {
      fn(*state.outcome);
    }
  }

 private:
  Future<T> future_;
};

}  // namespace berth::client
