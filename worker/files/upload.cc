#include "worker/files/upload.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "worker/files/beneath.h"

namespace berth::worker {
namespace {

constexpr std::int64_t kBlock = 512;

struct Placed {
  bool created = true;
  std::int64_t replaced_bytes = 0;
};

Result<UniqueFd> create_temporary(int uploads, const std::string& name) {
  UniqueFd fd(
      ::openat(uploads, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
  if (!fd) {
    return fail(disk_error(errno, "making a file"));
  }
  return fd;
}

Result<Placed> move_into_place(int uploads, const std::string& temporary, int session,
                               std::vector<std::string> parts) {
  const std::string name = std::move(parts.back());
  parts.pop_back();
  BERTH_ASSIGN(const UniqueFd directory, open_or_make_directory(session, parts));
  Placed placed;
  struct stat old {};
  if (::fstatat(directory.get(), name.c_str(), &old, AT_SYMLINK_NOFOLLOW) == 0) {
    if (!S_ISREG(old.st_mode) && !S_ISLNK(old.st_mode)) {
      return fail(Error::make(ErrorCode::kConflict, "NotAFile",
                              name + " exists and is not a regular file"));
    }
    placed.created = false;
    placed.replaced_bytes =
        old.st_nlink == 1 ? static_cast<std::int64_t>(old.st_blocks) * kBlock : 0;
  }
  // A link of that name is replaced itself, never written through.
  if (::renameat(uploads, temporary.c_str(), directory.get(), name.c_str()) != 0) {
    return fail(disk_error(errno, "moving the file into place"));
  }
  return placed;
}

}  // namespace

FileStore::Upload::Upload(FileStore& store, std::uint64_t number, api::SessionId id,
                          std::shared_ptr<UniqueFd> session, std::vector<std::string> parts,
                          DoneFn done)
    : store_(store),
      number_(number),
      id_(std::move(id)),
      session_(std::move(session)),
      parts_(std::move(parts)),
      temporary_(store.unique_name()),
      done_(std::move(done)) {}

FileStore::Upload::~Upload() {
  if (const auto usage = store_.usage_.find(id_); usage != store_.usage_.end()) {
    usage->second.arriving -= bytes_;
  }
  if (!on_disk_) {
    return;
  }
  // Deleting a large file takes its time. If no thread has any, the next open() throws it away.
  [[maybe_unused]] const bool taken =
      store_.walks_.try_run([uploads = store_.uploads_, name = temporary_] {
        ::unlinkat(uploads->get(), name.c_str(), 0);
      });
}

void FileStore::Upload::start(std::shared_ptr<http::BodySource> body) {
  on_disk_ = true;  // At latest when the job runs; deleting what is not there does no harm.
  run_blocking<UniqueFd>(
      store_.loop_, store_.transfers_,
      [uploads = store_.uploads_, name = temporary_] {
        return create_temporary(uploads->get(), name);
      },
      [this, body = std::move(body), uploads = store_.uploads_, name = temporary_,
       weak = std::weak_ptr(alive_)](Result<UniqueFd> file) {
        if (weak.expired()) {
          ::unlinkat(uploads->get(), name.c_str(), 0);  // Made after its deletion had been tried.
          return;
        }
        if (file) {
          receive(body, std::move(*file));
        } else {
          finish(fail(file.error()));
        }
      });
}

void FileStore::Upload::receive(std::shared_ptr<http::BodySource> body, UniqueFd file) {
  sink_.emplace(
      store_.loop_, store_.transfers_, std::make_shared<UniqueFd>(std::move(file)), std::move(body),
      [this](std::size_t n) { return admit(n); },
      [this](Status received) {
        if (received) {
          put_in_place();
        } else {
          finish(fail(received.error()));
        }
      });
  sink_->start();
}

Status FileStore::Upload::admit(std::size_t chunk_bytes) {
  const auto more = static_cast<std::int64_t>(chunk_bytes);
  BERTH_TRY(store_.admit(id_, bytes_ + more, more));
  bytes_ += more;
  store_.usage_[id_].arriving += more;
  return {};
}

void FileStore::Upload::put_in_place() {
  run_blocking<Placed>(
      store_.loop_, store_.transfers_,
      [uploads = store_.uploads_, name = temporary_, session = session_, parts = parts_] {
        return move_into_place(uploads->get(), name, session->get(), parts);
      },
      [this, weak = std::weak_ptr(alive_)](Result<Placed> placed) {
        if (weak.expired()) {
          return;
        }
        if (!placed) {
          finish(fail(placed.error()));
          return;
        }
        on_disk_ = false;
        Usage& usage = store_.usage_[id_];
        usage.stored = std::max<std::int64_t>(0, usage.stored + bytes_ - placed->replaced_bytes);
        finish(Written{bytes_, placed->created});
      });
}

void FileStore::Upload::finish(Result<Written> result) {
  const auto done = std::move(done_);
  store_.forget(number_);  // Destroys this.
  done(std::move(result));
}

void FileStore::Upload::abort(Error error) {
  store_.loop_.post([done = std::move(done_), error = std::move(error)] { done(fail(error)); });
  store_.forget(number_);
}

}  // namespace berth::worker
