#include "lib/kube/src/chunk_pump.h"

namespace berth::kube {

struct ChunkPump::State : std::enable_shared_from_this<State> {
  explicit State(EventLoop& l) : loop(l) {}

  // A loop, not a recursion: sources in memory answer inside next().
  void pull() {
    if (pulling) {
      return;
    }
    pulling = true;
    do {
      answered = false;
      const auto keep = source;
      keep->next([weak = weak_from_this()](Result<std::string> chunk) {
        if (const auto self = weak.lock()) {
          self->take(std::move(chunk));
        }
      });
    } while (answered && source);
    pulling = false;
  }

  void take(Result<std::string> chunk) {
    answered = true;
    if (!source) {
      return;
    }
    const bool more = chunk && !chunk->empty();
    inside = true;
    fn(std::move(chunk));
    if (source && more) {
      inside = false;
      pull();
    } else {
      close();
    }
  }

  // A source that is calling us is destroyed only after it has returned.
  void close() {
    auto last = std::exchange(source, nullptr);
    if (last && inside) {
      loop.post([last = std::move(last)] {});
    }
  }

  EventLoop& loop;
  std::shared_ptr<http::BodySource> source;
  ChunkFn fn;
  bool pulling = false;
  bool answered = false;
  bool inside = false;
};

ChunkPump::ChunkPump(EventLoop& loop, std::shared_ptr<http::BodySource> source, ChunkFn fn)
    : state_(std::make_shared<State>(loop)) {
  state_->source = std::move(source);
  state_->fn = std::move(fn);
  loop.post([weak = std::weak_ptr(state_)] {
    if (const auto self = weak.lock(); self && self->source) {
      self->pull();
    }
  });
}

ChunkPump::~ChunkPump() {
  state_->close();
}

}  // namespace berth::kube
