#include "lib/kube/src/error_body.h"

#include <memory>

#include "lib/kube/src/chunk_pump.h"

namespace berth::kube {
namespace {

using namespace std::chrono_literals;
constexpr std::size_t kMost = 64u << 10;
constexpr Duration kLongest = 5s;

struct Reading {
  http::Response response;
  std::function<void(const http::Response&)> done;
  std::unique_ptr<ChunkPump> pump;
  Cancel timer;

  void stop() {
    pump.reset();
    timer.cancel();
  }
  void finish() {
    stop();
    if (const auto fn = std::exchange(done, nullptr)) {
      fn(response);
    }
  }
};

}  // namespace

Cancel read_error_body(EventLoop& loop, http::Response response,
                       std::function<void(const http::Response&)> done) {
  auto reading = std::make_shared<Reading>();
  auto source = std::exchange(response.body_source, nullptr);
  reading->response = std::move(response);
  reading->done = std::move(done);
  const std::weak_ptr weak = reading;
  // The timer owns it: however the body ends, so does this.
  reading->timer = loop.call_after(kLongest, [reading] { reading->finish(); });
  reading->pump = std::make_unique<ChunkPump>(
      loop, std::move(source), [weak](const Result<std::string>& chunk) {
        const auto self = weak.lock();
        if (!self) {
          return;
        }
        std::string& body = self->response.body;
        if (chunk) {
          body.append(*chunk, 0, kMost - body.size());
        }
        if (!chunk || chunk->empty() || body.size() >= kMost) {
          self->finish();
        }
      });
  return Cancel([weak] {
    if (const auto self = weak.lock()) {
      const auto dropped = std::exchange(self->done, nullptr);
      self->stop();
    }
  });
}

}  // namespace berth::kube
