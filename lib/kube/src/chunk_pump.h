#pragma once

#include <functional>
#include <memory>

#include "berth/base/event_loop.h"
#include "berth/http/message.h"

namespace berth::kube {

/// Pulls a body source to its end, chunk by chunk, whether the source answers at once or later.
/// Starts on the next turn of the loop. Destroying it stops it, also inside the callback. Loop
/// thread only.
class ChunkPump {
 public:
  using ChunkFn = std::function<void(Result<std::string>)>;

  ChunkPump(EventLoop& loop, std::shared_ptr<http::BodySource> source, ChunkFn fn);
  ~ChunkPump();
  ChunkPump(const ChunkPump&) = delete;
  ChunkPump& operator=(const ChunkPump&) = delete;

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared with the callback that the source holds, weakly
};

}  // namespace berth::kube
