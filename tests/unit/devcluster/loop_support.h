#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "berth/base/event_loop.h"
#include "berth/http/transport.h"
#include "devcluster/apiserver/store.h"
#include "tests/fakes/temp_dir.h"

/// Help for tests that need the real loop: sockets and processes. Everything waits for events; the
/// time limit only turns a hang into a failure.
namespace berth::devcluster {

inline constexpr Duration kPatience = std::chrono::seconds(30);

/// Runs the loop until `begin`'s argument is called. False when that never came. Called later, it
/// does nothing.
inline bool run_until(AsioLoop& loop,
                      const std::function<void(std::function<void()> done)>& begin) {
  enum class State { kRunning, kReached, kOver };
  const auto state = std::make_shared<State>(State::kRunning);
  const auto done = [&loop, state] {
    if (*state == State::kRunning) {
      *state = State::kReached;
      loop.stop();
    }
  };
  const Cancel limit = loop.call_after(kPatience, [&] { loop.stop(); });
  loop.post([&] { begin(done); });
  loop.run();
  return std::exchange(*state, State::kOver) == State::kReached;
}

/// Runs the loop until `condition` holds, looking now and after each change of the store.
inline bool run_until_store(AsioLoop& loop, Store& store, std::function<bool()> condition) {
  // A look that was posted may run after this has returned: it then finds nothing to ask.
  const auto asked = std::make_shared<std::function<bool()>>(std::move(condition));
  Cancel subscription;
  const bool reached = run_until(loop, [&](const std::function<void()>& done) {
    const auto look = [weak = std::weak_ptr(asked), done] {
      if (const auto alive = weak.lock(); alive && (*alive)()) {
        done();
      }
    };
    subscription = store.subscribe(nullptr, [&loop, look](const WatchEvent&) { loop.post(look); });
    look();
  });
  return reached;
}

/// Runs what is due and posted, once around.
inline void turn(AsioLoop& loop) {
  run_until(loop, [&](const std::function<void()>& done) {
    loop.call_after(Duration(0), done).release();
  });
}

/// One request, answered.
inline Result<http::Response> call(AsioLoop& loop, http::Transport& transport,
                                   const std::string& origin, http::Request request,
                                   http::CallOptions options = {}) {
  Result<http::Response> answer = fail(Error::internal("no answer came"));
  Cancel handle;
  run_until(loop, [&](const std::function<void()>& done) {
    handle = transport.send(origin, std::move(request), options, [&answer, done](auto response) {
      answer = std::move(response);
      done();
    });
  });
  return answer;
}

using fakes::TempDir;

}  // namespace berth::devcluster
