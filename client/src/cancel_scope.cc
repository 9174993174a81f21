#include "client/src/cancel_scope.h"

#include <utility>

namespace berth::client {

std::shared_ptr<CancelScope> CancelScope::root() {
  return std::shared_ptr<CancelScope>(new CancelScope());
}

std::shared_ptr<CancelScope> CancelScope::child_of(const std::shared_ptr<CancelScope>& parent) {
  auto child = root();
  child->parent_ = parent;
  child->link_ = parent->on_cancel([weak = std::weak_ptr(child)] {
    if (const auto alive = weak.lock()) {
      alive->cancel();
    }
  });
  return child;
}

void CancelScope::cancel() {
  std::map<std::uint64_t, std::function<void()>> functions;
  {
    const std::lock_guard lock(state_->mutex);
    if (std::exchange(state_->cancelled, true)) {
      return;
    }
    functions.swap(state_->functions);
  }
  for (auto& [number, fn] : functions) {
    std::exchange(fn, nullptr)();
  }
}

bool CancelScope::cancelled() const {
  const std::lock_guard lock(state_->mutex);
  return state_->cancelled;
}

Cancel CancelScope::on_cancel(std::function<void()> fn) {
  {
    const std::lock_guard lock(state_->mutex);
    if (!state_->cancelled) {
      const std::uint64_t number = ++state_->last;
      state_->functions.emplace(number, std::move(fn));
      return Cancel([weak = std::weak_ptr(state_), number] {
        if (const auto state = weak.lock()) {
          // Destroyed outside the lock: what it holds may be the last of another scope.
          std::map<std::uint64_t, std::function<void()>>::node_type dropped;
          const std::lock_guard relock(state->mutex);
          dropped = state->functions.extract(number);
        }
      });
    }
  }
  fn();
  return {};
}

void CancelScope::forget() {
  std::map<std::uint64_t, std::function<void()>> functions;
  const std::lock_guard lock(state_->mutex);
  functions.swap(state_->functions);
}

}  // namespace berth::client
