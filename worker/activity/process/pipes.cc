#include "worker/activity/process/pipes.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <string_view>
#include <utility>

namespace berth::worker {

namespace asio = boost::asio;
using Descriptor = asio::posix::stream_descriptor;
using ErrorCodeIn = const boost::system::error_code&;

namespace {
constexpr std::size_t kChunk = 64u << 10;
constexpr std::size_t kBurst = 1u << 20;
constexpr Duration kPause = std::chrono::milliseconds(5);

void shut(Descriptor& d) {
  boost::system::error_code ignored;
  d.close(ignored);
}
}  // namespace

struct PipeWriter::Impl {
  Impl(AsioLoop& loop, UniqueFd pipe, std::string text)
      : descriptor(loop.context(), pipe.release()), bytes(std::move(text)) {}
  Descriptor descriptor;
  std::string bytes;
};

PipeWriter::PipeWriter(AsioLoop& loop, UniqueFd pipe, std::string bytes)
    : impl_(std::make_shared<Impl>(loop, std::move(pipe), std::move(bytes))) {
  asio::async_write(impl_->descriptor, asio::buffer(impl_->bytes),
                    [impl = impl_](ErrorCodeIn, std::size_t) { shut(impl->descriptor); });
}
PipeWriter::~PipeWriter() {
  shut(impl_->descriptor);
}

struct PipeReader::Impl : std::enable_shared_from_this<PipeReader::Impl> {
  Impl(AsioLoop& l, UniqueFd pipe, ChunkFn f)
      : loop(l), descriptor(l.context(), pipe.release()), fn(std::move(f)) {}

  void read() {
    if (held) {
      waiting = true;
      return;
    }
    descriptor.async_read_some(asio::buffer(buffer),
                               [self = shared_from_this()](ErrorCodeIn ec, std::size_t n) {
                                 if (ec || !self->descriptor.is_open()) {
                                   shut(self->descriptor);
                                   return;
                                 }
                                 self->fn(std::string_view(self->buffer.data(), n));
                                 self->go_on(n);
                               });
  }

  void go_on(std::size_t n) {
    if (!descriptor.is_open()) {
      return;
    }
    const TimePoint now = loop.clock().now();
    if (now >= burst_end) {
      burst_end = now + kPause;
      in_burst = 0;
    }
    in_burst += n;
    if (in_burst < kBurst) {
      read();
      return;
    }
    pause = loop.call_at(burst_end, [this] { read(); });
  }

  AsioLoop& loop;
  Descriptor descriptor;
  ChunkFn fn;
  std::array<char, kChunk> buffer{};
  bool held = false;
  bool waiting = false;  ///< For release(), to go on.
  std::size_t in_burst = 0;
  TimePoint burst_end{};
  Cancel pause;
};

PipeReader::PipeReader(AsioLoop& loop, UniqueFd pipe, ChunkFn fn)
    : impl_(std::make_shared<Impl>(loop, std::move(pipe), std::move(fn))) {
  impl_->read();
}

PipeReader::~PipeReader() {
  close();
}

void PipeReader::close() {
  impl_->pause.cancel();
  shut(impl_->descriptor);
}

void PipeReader::hold() {
  impl_->held = true;
}

void PipeReader::release() {
  impl_->held = false;
  if (std::exchange(impl_->waiting, false) && impl_->descriptor.is_open()) {
    impl_->read();
  }
}

void PipeReader::drain(std::size_t limit) {
  std::array<char, 4096> buffer;
  while (impl_->descriptor.is_open() && limit > 0) {
    const ssize_t n =
        ::read(impl_->descriptor.native_handle(), buffer.data(), std::min(buffer.size(), limit));
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n <= 0) {
      break;
    }
    limit -= static_cast<std::size_t>(n);
    impl_->fn(std::string_view(buffer.data(), static_cast<std::size_t>(n)));
  }
  close();
}

Cancel when_readable(AsioLoop& loop, int fd, std::function<void()> fn) {
  struct Wait {
    Wait(AsioLoop& l, int f, std::function<void()> callback)
        : descriptor(l.context(), f), fn(std::move(callback)) {}
    ~Wait() { release(); }
    void release() {
      if (descriptor.is_open()) {
        descriptor.release();  // The number belongs to the caller.
      }
    }
    Descriptor descriptor;
    std::function<void()> fn;
  };
  auto wait = std::make_shared<Wait>(loop, fd, std::move(fn));
  wait->descriptor.async_wait(Descriptor::wait_read, [wait](ErrorCodeIn ec) {
    wait->release();
    if (auto callback = std::exchange(wait->fn, nullptr); callback && !ec) {
      callback();
    }
  });
  return Cancel([weak = std::weak_ptr(wait)] {
    if (const auto w = weak.lock()) {
      w->fn = nullptr;
      w->release();
    }
  });
}

}  // namespace berth::worker
