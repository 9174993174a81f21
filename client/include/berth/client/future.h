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

/// The answer to an operation that is under way. Copies share it. Thread-safe. Dropping it abandons
/// nothing: the operation goes on. Every operation answers, at the latest when its Client is
/// destroyed. Do not wait on the client's own thread (inside a `then` callback): nothing could
/// answer.
template <class T>
class Future {
 public:
  /// Waits for the answer. The reference is good for as long as a copy of this future.
  const Outcome<T>& get() const& {
    std::unique_lock lock(state_->mutex);
    state_->ready.wait(lock, [&] { return state_->outcome.has_value(); });
    return *state_->outcome;
  }
  /// The same on a temporary, `create_session(...).get()`: a copy, since the future goes.
  Outcome<T> get() && { return std::as_const(*this).get(); }
  bool wait_for(std::chrono::nanoseconds timeout) const {
    std::unique_lock lock(state_->mutex);
    return state_->ready.wait_for(lock, timeout, [&] { return state_->outcome.has_value(); });
  }
  bool is_ready() const {
    const std::lock_guard lock(state_->mutex);
    return state_->outcome.has_value();
  }
  /// Asks the operation to stop; get() then gives its real end: kCancelled, or what came first.
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
  /// Calls `fn` once with the answer, on the client's thread, or at once on this one if it is there
  /// already. `fn` must not block or throw: all sessions of the client wait for it.
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

  /// What Future::cancel() does. Let go with the answer, so what it holds lives no longer than the
  /// operation.
  void on_cancel(std::function<void()> fn) const {
    const std::lock_guard lock(future_.state_->mutex);
    if (!future_.state_->outcome) {
      future_.state_->on_cancel.swap(fn);
    }
  }

  /// The first call counts. Callbacks run here, outside the lock: they may use this very future.
  void set(Outcome<T> outcome) const {
    const auto state = future_.state_;
    std::vector<std::function<void(const Outcome<T>&)>> callbacks;
    std::function<void()> on_cancel;
    {
      const std::lock_guard lock(state->mutex);
      if (state->outcome) {
        return;
      }
      state->outcome.emplace(std::move(outcome));
      callbacks.swap(state->callbacks);
      on_cancel.swap(state->on_cancel);
    }
    state->ready.notify_all();
    for (auto& fn : callbacks) {
      std::exchange(fn, nullptr)(*state->outcome);
    }
  }

 private:
  Future<T> future_;
};

}  // namespace berth::client
