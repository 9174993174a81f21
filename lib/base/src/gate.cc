#include "berth/base/gate.h"

#include <utility>

namespace berth {

struct Gate::State {
  std::size_t count = 0;
  bool closed = false;
  std::function<void()> on_empty;

  void leave() {
    --count;
    if (count == 0 && closed) {
      if (auto fn = std::exchange(on_empty, nullptr)) {
        fn();
      }
    }
  }
};

Gate::Gate() : state_(std::make_shared<State>()) {}

std::optional<Gate::Pass> Gate::enter() {
  if (state_->closed) {
    return std::nullopt;
  }
  ++state_->count;
  // The pass owns the state, so it may be given back after the gate is gone.
  return Pass(state_.get(), [state = state_](void*) { state->leave(); });
}

void Gate::close(std::function<void()> on_empty) {
  state_->closed = true;
  if (state_->count == 0) {
    on_empty();
  } else {
    state_->on_empty = std::move(on_empty);
  }
}

bool Gate::closed() const {
  return state_->closed;
}
std::size_t Gate::count() const {
  return state_->count;
}

}  // namespace berth
