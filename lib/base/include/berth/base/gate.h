#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>

namespace berth {

/// Counts work in progress so that it can be drained: after close() nothing new enters, and the
/// callback runs when the last pass has been given back (at once if none is out). Loop thread only.
/// Passes may outlive the gate.
///
///     auto pass = gate.enter();
///     if (!pass) { return fail(shutting_down()); }
///     do_async([pass = std::move(*pass)] { ... });      // leaves when the lambda is destroyed
///     ...
///     gate.close([&] { loop.stop(); });
class Gate {
 public:
  using Pass = std::shared_ptr<void>;

  Gate();
  std::optional<Pass> enter();
  void close(std::function<void()> on_empty);
  bool closed() const;
  std::size_t count() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace berth
