#include "worker/files/transfer.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "worker/files/beneath.h"

namespace berth::worker {
namespace {

constexpr std::uint64_t kStep = 64u << 10;

Result<std::string> read_step(int fd, std::uint64_t offset, std::uint64_t bytes) {
  std::string out(bytes, '\0');
  std::size_t have = 0;
  while (have < out.size()) {
    const ssize_t n =
        ::pread(fd, out.data() + have, out.size() - have, static_cast<off_t>(offset + have));
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n < 0) {
      return fail(disk_error(errno, "reading the file"));
    }
    if (n == 0) {
      return fail(Error::make(ErrorCode::kConflict, "FileChanged",
                              "the file became shorter while it was read"));
    }
    have += static_cast<std::size_t>(n);
  }
  return out;
}

Result<bool> write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n < 0) {
      return fail(disk_error(errno, "writing the file"));
    }
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

class FileSource final : public http::BodySource {
 public:
  FileSource(EventLoop& loop, ThreadPool& pool, UniqueFd file, std::uint64_t length)
      : loop_(loop),
        pool_(pool),
        file_(std::make_shared<UniqueFd>(std::move(file))),
        length_(length) {}

  void next(ChunkFn fn) override {
    const std::uint64_t step = std::min(kStep, length_ - at_);
    if (step == 0) {
      loop_.post([fn = std::move(fn), weak = std::weak_ptr(alive_)] {
        if (!weak.expired()) {
          fn(std::string());
        }
      });
      return;
    }
    const std::uint64_t offset = std::exchange(at_, at_ + step);
    run_blocking<std::string>(
        loop_, pool_, [file = file_, offset, step] { return read_step(file->get(), offset, step); },
        [fn = std::move(fn), weak = std::weak_ptr(alive_)](Result<std::string> chunk) {
          if (!weak.expired()) {
            fn(std::move(chunk));
          }
        });
  }
  std::optional<std::uint64_t> length() const override { return length_; }

 private:
  EventLoop& loop_;
  ThreadPool& pool_;
  std::shared_ptr<UniqueFd> file_;  // Shared with the read in flight.
  std::uint64_t length_;
  std::uint64_t at_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace

std::shared_ptr<http::BodySource> file_source(EventLoop& loop, ThreadPool& pool, UniqueFd file,
                                              std::uint64_t length) {
  return std::make_shared<FileSource>(loop, pool, std::move(file), length);
}

FileSink::FileSink(EventLoop& loop, ThreadPool& pool, std::shared_ptr<UniqueFd> file,
                   std::shared_ptr<http::BodySource> source, AdmitFn admit, DoneFn done)
    : loop_(loop),
      pool_(pool),
      file_(std::move(file)),
      source_(std::move(source)),
      admit_(std::move(admit)),
      done_(std::move(done)) {}

void FileSink::pull() {
  source_->next([this, weak = std::weak_ptr(alive_)](Result<std::string> chunk) {
    if (!weak.expired()) {
      on_chunk(std::move(chunk));
    }
  });
}

void FileSink::on_chunk(Result<std::string> chunk) {
  if (!chunk) {
    finish(fail(std::move(chunk.error()).wrap("reading the request")));
    return;
  }
  if (chunk->empty()) {
    finish({});
    return;
  }
  if (Status admitted = admit_(chunk->size()); !admitted) {
    finish(std::move(admitted));
    return;
  }
  run_blocking<bool>(
      loop_, pool_,
      [file = file_, bytes = std::move(*chunk)] { return write_all(file->get(), bytes); },
      [this, weak = std::weak_ptr(alive_)](const Result<bool>& written) {
        if (weak.expired()) {
          return;
        }
        if (written) {
          pull();
        } else {
          finish(fail(written.error()));
        }
      });
}

void FileSink::finish(Status status) {
  source_ = nullptr;
  const auto done = std::move(done_);
  done(std::move(status));
}

}  // namespace berth::worker
