#include "cli/session/output_writer.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <utility>

namespace berth::cli {
namespace {
// What a pipe that is writable at all takes without blocking (PIPE_BUF).
constexpr std::size_t kStep = 4096;
}  // namespace

OutputWriter::OutputWriter(int out, int err, std::function<void(int)> failed)
    : out_(out), err_(err), failed_(std::move(failed)), wake_(::eventfd(0, EFD_CLOEXEC)) {}

OutputWriter::~OutputWriter() {
  abandon();
}

void OutputWriter::abandon() {
  if (!abandoned_.exchange(true) && wake_) {
    const std::uint64_t one = 1;
    (void)!::write(wake_.get(), &one, sizeof one);
  }
}

void OutputWriter::write(std::vector<api::ActivityOutput::Chunk> chunks,
                         const std::function<void()>& done) {
  auto job = [this, chunks = std::move(chunks), done] {
    for (const auto& chunk : chunks) {
      write_all(chunk.is_stderr ? err_ : out_, chunk.bytes);
    }
    done();
  };
  if (!thread_.try_run(std::move(job))) {
    failed_(EAGAIN);
    done();
  }
}

bool OutputWriter::wait_writable(int fd) const {
  std::array<pollfd, 2> fds{pollfd{fd, POLLOUT, 0}, pollfd{wake_.get(), POLLIN, 0}};
  while (::poll(fds.data(), wake_ ? 2 : 1, -1) < 0 && errno == EINTR) {
  }
  return !abandoned_;
}

void OutputWriter::write_all(int fd, std::string_view bytes) {
  while (!bytes.empty() && wait_writable(fd)) {
    const ssize_t n = ::write(fd, bytes.data(), std::min(bytes.size(), kStep));
    if (n >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno != EINTR && errno != EAGAIN) {
      const int reason = errno;
      if (!abandoned_.exchange(true)) {
        failed_(reason);
      }
      return;
    }
  }
}

}  // namespace berth::cli
