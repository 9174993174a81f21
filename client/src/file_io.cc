#include "client/src/file_io.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>

namespace berth::client {
namespace {

constexpr std::uint64_t kChunk = 64u << 10;
constexpr mode_t kMode = 0666;  // Less the umask, as for any new file.

Error local_error(int err, const std::string& doing) {
  Error e = Error::from_errno(err, doing);
  e.field = "local";
  return e;
}

class FileSource final : public http::BodySource {
 public:
  FileSource(EventLoop& loop, RunBlocking run, std::shared_ptr<const LocalFile> file,
             std::function<void()> moved)
      : state_(std::make_shared<State>()), loop_(loop), run_(std::move(run)) {
    state_->file = std::move(file);
    state_->moved = std::move(moved);
  }
  ~FileSource() override { state_->waiting = nullptr; }

  void next(ChunkFn fn) override {
    state_->waiting = std::move(fn);
    const bool taken = run_([state = state_, at = state_->at, &loop = loop_] {
      auto chunk =
          at == state->file->size() ? Result<std::string>(std::string()) : state->file->read_at(at);
      loop.post([state, chunk = std::move(chunk)] { deliver(*state, chunk); });
    });
    if (!taken) {
      loop_.post([state = state_] {
        deliver(*state, fail(Error::make(ErrorCode::kResourceExhausted, "TooManyTransfers",
                                         "too many files are on their way at once")));
      });
    }
  }
  std::optional<std::uint64_t> length() const override { return state_->file->size(); }

 private:
  struct State {
    std::shared_ptr<const LocalFile> file;
    std::function<void()> moved;
    std::uint64_t at = 0;
    ChunkFn waiting;  ///< Null once the source has gone. Loop thread only.
  };

  static void deliver(State& state, const Result<std::string>& chunk) {
    if (const auto fn = std::exchange(state.waiting, nullptr)) {
      state.at += chunk ? chunk->size() : 0;
      state.moved();
      fn(chunk);
    }
  }

  const std::shared_ptr<State> state_;
  EventLoop& loop_;
  const RunBlocking run_;
};

}  // namespace

Result<std::shared_ptr<LocalFile>> LocalFile::open(const std::filesystem::path& path) {
  // Not blocking on a FIFO that nobody writes; for a regular file it means nothing.
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat info {};
  if (!fd || ::fstat(fd.get(), &info) != 0) {
    return fail(local_error(errno, "opening " + path.string()));
  }
  if (S_ISDIR(info.st_mode)) {
    return fail(Error::invalid(
        "local", path.string() + " is a directory; one file goes at a time, so pack it with tar"));
  }
  if (!S_ISREG(info.st_mode)) {
    return fail(Error::invalid(
        "local", path.string() + " is not a regular file, and how long it is must be known"));
  }
  return std::make_shared<LocalFile>(std::move(fd), static_cast<std::uint64_t>(info.st_size));
}

Result<std::string> LocalFile::read_at(std::uint64_t at) const {
  std::string bytes(std::min(kChunk, size_ - at), '\0');
  ssize_t n = 0;
  do {
    n = ::pread(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(at));
  } while (n < 0 && errno == EINTR);
  if (n < 0) {
    return fail(local_error(errno, "reading the local file"));
  }
  if (n == 0) {
    return fail(Error::invalid("local", "the file became shorter while it was read"));
  }
  bytes.resize(static_cast<std::size_t>(n));
  return bytes;
}

std::shared_ptr<http::BodySource> file_source(EventLoop& loop, RunBlocking run,
                                              std::shared_ptr<const LocalFile> file,
                                              std::function<void()> moved) {
  return std::make_shared<FileSource>(loop, std::move(run), std::move(file), std::move(moved));
}

Result<std::shared_ptr<PartFile>> PartFile::create(const std::filesystem::path& target,
                                                   Random& random) {
  std::error_code ignored;
  const std::filesystem::file_status there = std::filesystem::status(target, ignored);
  if (target.filename().empty() || std::filesystem::is_directory(there)) {
    return fail(Error::invalid("local", target.string() + " is a directory; name the file"));
  }
  if (std::filesystem::exists(there) && !std::filesystem::is_regular_file(there)) {
    UniqueFd fd(::open(target.c_str(), O_WRONLY | O_CLOEXEC));
    if (!fd) {
      return fail(local_error(errno, "opening " + target.string()));
    }
    return std::make_shared<PartFile>(std::move(fd), std::filesystem::path(), target);
  }
  // What a link leads to is replaced, not the link.
  const std::filesystem::path whole =
      std::filesystem::exists(there) ? std::filesystem::canonical(target, ignored) : target;
  std::filesystem::path part = whole;
  part.replace_filename("." + whole.filename().string().substr(0, 200) + "." + random.name(8) +
                        ".part");
  UniqueFd fd(::open(part.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kMode));
  if (!fd) {
    return fail(local_error(errno, "creating " + part.string()));
  }
  return std::make_shared<PartFile>(std::move(fd), std::move(part), whole);
}

PartFile::~PartFile() {
  if (!in_place() && !committed_) {
    ::unlink(part_.c_str());
  }
}

Status PartFile::restart() {
  if (in_place()) {
    return written_ ? fail(Error::invalid("local", target_.string() +
                                                       " has the beginning already, and it came to "
                                                       "a stop; begin again"))
                    : Status();
  }
  if (::ftruncate(fd_.get(), 0) != 0 || ::lseek(fd_.get(), 0, SEEK_SET) != 0) {
    return fail(local_error(errno, "emptying " + part_.string()));
  }
  return {};
}

Status PartFile::append(const std::string& bytes) {
  std::string_view rest = bytes;
  while (!rest.empty()) {
    const ssize_t n = ::write(fd_.get(), rest.data(), rest.size());
    if (n < 0 && errno != EINTR) {
      return fail(local_error(errno, "writing " + (in_place() ? target_ : part_).string()));
    }
    rest.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
    written_ = true;
  }
  return {};
}

Status PartFile::commit() {
  if (in_place()) {
    return {};
  }
  // Synced first: after a crash the name must not stand for a file whose bytes were never written.
  if (::fsync(fd_.get()) != 0 || std::rename(part_.c_str(), target_.c_str()) != 0) {
    return fail(local_error(errno, "completing " + target_.string()));
  }
  committed_ = true;
  return {};
}

}  // namespace berth::client
