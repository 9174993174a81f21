#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>

#include "berth/base/event_loop.h"

namespace berth::client {

/// A switch that is thrown once, and everything below it with it. Thread-safe. Owned from below: a
/// child keeps its parents, so that a switch above works even when nobody between holds a context.
class CancelScope {
 public:
  static std::shared_ptr<CancelScope> root();
  /// Cancelled already if this one is.
  static std::shared_ptr<CancelScope> child_of(const std::shared_ptr<CancelScope>& parent);

  void cancel();
  bool cancelled() const;
  /// Null for a root.
  const std::shared_ptr<CancelScope>& parent() const { return parent_; }

  /// Calls `fn` once, on the thread that cancels; at once on this one if that has happened. Never
  /// under the lock. Destroying the handle drops `fn`, except one that is about to run on another
  /// thread.
  Cancel on_cancel(std::function<void()> fn);
  /// Drops all functions: nothing below is of interest any more.
  void forget();

 private:
  struct State {
    std::mutex mutex;
    bool cancelled = false;
    std::uint64_t last = 0;
    std::map<std::uint64_t, std::function<void()>> functions;
  };
  CancelScope() = default;

  // Apart from the scope, so that a handle may outlive it.
  std::shared_ptr<State> state_ = std::make_shared<State>();
  std::shared_ptr<CancelScope> parent_;
  Cancel link_;
};

}  // namespace berth::client
