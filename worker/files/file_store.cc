#include "worker/files/file_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "worker/files/beneath.h"
#include "worker/files/transfer.h"
#include "worker/files/tree.h"
#include "worker/files/upload.h"

namespace berth::worker {
namespace {

// Ids of sessions cannot contain a dot, so these are never theirs.
constexpr const char* kUploads = ".uploads";
constexpr const char* kTrash = ".trash";
constexpr std::size_t kTransferThreads = 4;
constexpr std::size_t kTransferQueue = 10'000;  // One for each connection that the server takes.
constexpr std::size_t kWalkQueue = 100'000;
constexpr std::size_t kMaxListed = 10'000;
constexpr std::size_t kMaxMeasured = 1'000'000;

struct OpenedFile {
  UniqueFd file;
  std::uint64_t length = 0;
  Json listing;
};

Result<OpenedFile> open_for_reading(int session, const std::vector<std::string>& parts) {
  // By path only at first: opening a FIFO or a device for reading may block or have effects.
  BERTH_ASSIGN(const UniqueFd found, open_beneath(session, parts, O_PATH));
  struct stat info {};
  if (::fstat(found.get(), &info) != 0) {
    return fail(disk_error(errno, "looking at the file"));
  }
  OpenedFile out;
  if (S_ISDIR(info.st_mode)) {
    BERTH_ASSIGN(out.listing, list_directory(found.get(), kMaxListed));
    return out;
  }
  if (!S_ISREG(info.st_mode)) {
    return fail(Error::make(ErrorCode::kConflict, "NotAFile",
                            "the path names neither a regular file nor a directory"));
  }
  const std::string same = "/proc/self/fd/" + std::to_string(found.get());
  out.file.reset(::open(same.c_str(), O_RDONLY | O_CLOEXEC));
  if (!out.file) {
    return fail(disk_error(errno, "opening the file"));
  }
  out.length = static_cast<std::uint64_t>(info.st_size);
  return out;
}

Result<UniqueFd> open_or_make(int at, const char* name, const std::filesystem::path& root) {
  if (::mkdirat(at, name, 0700) != 0 && errno != EEXIST) {
    return fail(disk_error(errno, "making " + (root / name).string()));
  }
  UniqueFd fd(::openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) {
    return fail(disk_error(errno, "opening " + (root / name).string()));
  }
  return fd;
}

}  // namespace

Result<std::unique_ptr<FileStore>> FileStore::open(EventLoop& loop, FileStoreSettings settings,
                                                   Log log) {
  if (!settings.root.is_absolute()) {
    return fail(Error::invalid("root", "the directory for sessions must be an absolute path"));
  }
  std::error_code ec;
  std::filesystem::create_directories(settings.root, ec);
  if (ec) {
    return fail(disk_error(ec.value(), "making " + settings.root.string()));
  }
  UniqueFd root(::open(settings.root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root) {
    return fail(disk_error(errno, "opening " + settings.root.string()));
  }
  if (::faccessat(root.get(), ".", W_OK, AT_EACCESS) != 0) {
    return fail(disk_error(errno, "writing to " + settings.root.string()));
  }
  BERTH_ASSIGN(UniqueFd uploads, open_or_make(root.get(), kUploads, settings.root));
  BERTH_ASSIGN(UniqueFd trash, open_or_make(root.get(), kTrash, settings.root));
  std::unique_ptr<FileStore> store(new FileStore(loop, std::move(settings), std::move(log),
                                                 std::move(root), std::move(uploads),
                                                 std::move(trash)));
  store->clear_leftovers();
  store->measure_next();
  return store;
}

FileStore::FileStore(EventLoop& loop, FileStoreSettings settings, Log log, UniqueFd root,
                     UniqueFd uploads, UniqueFd trash)
    : loop_(loop),
      settings_(std::move(settings)),
      log_(std::move(log)),
      root_(std::make_shared<UniqueFd>(std::move(root))),
      uploads_(std::make_shared<UniqueFd>(std::move(uploads))),
      trash_(std::make_shared<UniqueFd>(std::move(trash))),
      name_prefix_(std::to_string(loop.clock().wall_now().time_since_epoch().count()) + "-" +
                   std::to_string(::getpid()) + "-"),
      transfers_(kTransferThreads, kTransferQueue),
      walks_(1, kWalkQueue) {}

// Before the threads go: an upload gives them its file to delete.
FileStore::~FileStore() {
  running_uploads_.clear();
}

std::string FileStore::unique_name() {
  return name_prefix_ + std::to_string(++last_name_);
}

void FileStore::clear_leftovers() {
  std::error_code ec;
  std::vector<std::string> old;
  for (const auto& entry : std::filesystem::directory_iterator(settings_.root / kTrash, ec)) {
    // What was moved up there half deleted gets a new name too, or it would be in the way of the
    // next.
    const std::string was = entry.path().filename().string();
    std::string name = unique_name();
    if (::renameat(trash_->get(), was.c_str(), trash_->get(), name.c_str()) == 0) {
      old.push_back(std::move(name));
    }
  }
  // The folder of uploads goes to the trash as a whole.
  const std::string uploads = unique_name();
  if (::renameat(root_->get(), kUploads, trash_->get(), uploads.c_str()) == 0) {
    if (auto fresh = open_or_make(root_->get(), kUploads, settings_.root)) {
      uploads_ = std::make_shared<UniqueFd>(std::move(*fresh));
    }
    old.push_back(uploads);
  }
  for (std::string& name : old) {
    delete_in_background(std::move(name), nullptr);
  }
}

std::filesystem::path FileStore::directory(const api::SessionId& id) const {
  return settings_.root / id.str();
}

Status FileStore::create_session_dir(const api::SessionId& id) {
  BERTH_TRY(api::check_id(id.str(), "id"));
  BERTH_TRY(open_or_make(root_->get(), id.str().c_str(), settings_.root));
  usage_.try_emplace(id);
  return {};
}

void FileStore::remove_session_dir(const api::SessionId& id, std::function<void(Status)> done) {
  usage_.erase(id);
  for (auto it = running_uploads_.begin(); it != running_uploads_.end();) {
    Upload& upload = **it++;
    if (upload.session() == id) {
      upload.abort(Error::make(ErrorCode::kGone, "SessionOver", "the session is over"));
    }
  }
  std::string name = unique_name();
  Status moved = api::check_id(id.str(), "id");
  if (moved && ::renameat(root_->get(), id.str().c_str(), trash_->get(), name.c_str()) == 0) {
    delete_in_background(std::move(name), std::move(done));
    return;
  }
  if (moved && errno != ENOENT) {
    moved = fail(disk_error(errno, "removing the directory of session " + id.str()));
    log_.error("a session's directory cannot be removed",
               {{"session", id.str()}, {"error", moved.error()}});
  }
  if (done) {
    loop_.post([done = std::move(done), moved = std::move(moved)] { done(moved); });
  }
}

void FileStore::delete_in_background(std::string name, std::function<void(Status)> done) {
  run_blocking<bool>(
      loop_, walks_,
      [trash = trash_, name]() -> Result<bool> {
        BERTH_TRY(remove_tree(trash->get(), name));
        return true;
      },
      [log = log_, name, done = std::move(done)](const Result<bool>& removed) {
        if (!removed) {
          log.error(
              "files of a session that is over cannot all be deleted; trying again at the "
              "next start",
              {{"trash", name}, {"error", removed.error()}});
        }
        if (done) {
          done(removed ? Status() : Status(fail(removed.error())));
        }
      });
}

Result<std::vector<api::SessionId>> FileStore::existing() const {
  std::vector<api::SessionId> out;
  std::error_code ec;
  for (const auto& entry : std::filesystem::directory_iterator(settings_.root, ec)) {
    const std::string name = entry.path().filename().string();
    if (api::check_id(name, "id")) {
      out.emplace_back(name);
    }
  }
  if (ec) {
    return fail(disk_error(ec.value(), "reading " + settings_.root.string()));
  }
  return out;
}

Result<std::shared_ptr<UniqueFd>> FileStore::open_session(const api::SessionId& id) const {
  BERTH_TRY(api::check_id(id.str(), "id"));
  UniqueFd fd(
      ::openat(root_->get(), id.str().c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) {
    return fail(disk_error(errno, "opening the directory of session " + id.str()));
  }
  return std::make_shared<UniqueFd>(std::move(fd));
}

Status FileStore::admit(const api::SessionId& id, std::int64_t file_bytes,
                        std::int64_t more) const {
  if (file_bytes > settings_.max_file_bytes) {
    return fail(Error::make(ErrorCode::kResourceExhausted, "FileTooLarge",
                            "the file is larger than the " +
                                std::to_string(settings_.max_file_bytes) + " bytes allowed"));
  }
  if (settings_.max_session_bytes > 0 && used_bytes(id) + more > settings_.max_session_bytes) {
    return fail(Error::make(ErrorCode::kResourceExhausted, "SessionDiskLimit",
                            "the session would have more than the " +
                                std::to_string(settings_.max_session_bytes) +
                                " bytes allowed on disk; delete files there first"));
  }
  return {};
}

Cancel FileStore::put(const api::SessionId& id, const std::string& path,
                      std::shared_ptr<http::BodySource> body, std::optional<std::uint64_t> length,
                      std::function<void(Result<Written>)> done) {
  auto live = std::make_shared<bool>(true);
  const auto prepare = [&]() -> Result<Upload*> {
    BERTH_ASSIGN(std::vector<std::string> parts, split_path(path));
    if (parts.empty()) {
      return fail(Error::invalid("path", "must name a file"));
    }
    BERTH_ASSIGN(auto session, open_session(id));
    const auto announced =
        static_cast<std::int64_t>(std::min<std::uint64_t>(length.value_or(0), INT64_MAX / 2));
    BERTH_TRY(admit(id, announced, announced));
    running_uploads_.push_back(std::make_unique<Upload>(*this, ++last_upload_, id,
                                                        std::move(session), std::move(parts),
                                                        [done, live](Result<Written> r) {
                                                          if (*live) {
                                                            done(std::move(r));
                                                          }
                                                        }));
    return running_uploads_.back().get();
  };
  const Result<Upload*> upload = prepare();
  if (!upload) {
    loop_.post([done = std::move(done), live, error = upload.error()] {
      if (*live) {
        done(fail(error));
      }
    });
    return Cancel([live] { *live = false; });
  }
  const std::uint64_t number = (*upload)->number();
  (*upload)->start(std::move(body));
  return Cancel([this, live, upload = number, weak = std::weak_ptr(alive_)] {
    *live = false;
    if (!weak.expired()) {
      forget(upload);
    }
  });
}

void FileStore::forget(std::uint64_t upload) {
  running_uploads_.remove_if([upload](const auto& u) { return u->number() == upload; });
}

Cancel FileStore::get(const api::SessionId& id, const std::string& path,
                      std::function<void(Result<Opened>)> done) {
  auto live = std::make_shared<bool>(true);
  auto parts = split_path(path);
  auto session = open_session(id);
  if (!parts || !session) {
    loop_.post([done = std::move(done), live, error = parts ? session.error() : parts.error()] {
      if (*live) {
        done(fail(error));
      }
    });
    return Cancel([live] { *live = false; });
  }
  run_blocking<OpenedFile>(
      loop_, transfers_,
      [session = *session, parts = *parts] { return open_for_reading(session->get(), parts); },
      [this, done = std::move(done), live,
       weak = std::weak_ptr(alive_)](Result<OpenedFile> opened) {
        if (weak.expired() || !*live) {
          return;
        }
        if (!opened) {
          done(fail(opened.error()));
          return;
        }
        Opened out;
        if (opened->file) {
          out.file = file_source(loop_, transfers_, std::move(opened->file), opened->length);
        } else {
          out.listing = std::move(opened->listing);
        }
        done(std::move(out));
      });
  return Cancel([live] { *live = false; });
}

std::int64_t FileStore::used_bytes(const api::SessionId& id) const {
  const auto usage = usage_.find(id);
  return usage == usage_.end() ? 0 : usage->second.stored + usage->second.arriving;
}

void FileStore::measure(const api::SessionId& id, std::function<void(Result<std::int64_t>)> done) {
  auto session = open_session(id);
  if (!session) {
    loop_.post([done = std::move(done), error = session.error()] {
      if (done) {
        done(fail(error));
      }
    });
    return;
  }
  run_blocking<std::int64_t>(
      loop_, walks_, [session = *session] { return measure_tree(session->get(), kMaxMeasured); },
      [this, id, done = std::move(done),
       weak = std::weak_ptr(alive_)](const Result<std::int64_t>& bytes) {
        if (weak.expired()) {
          return;
        }
        if (const auto usage = usage_.find(id); bytes && usage != usage_.end()) {
          usage->second.stored = *bytes;
        }
        if (done) {
          done(bytes);
        }
      });
}

void FileStore::measure_next() {
  if (settings_.measure_interval <= Duration::zero()) {
    return;
  }
  // Each session once per interval, spread over it.
  const auto sessions = static_cast<std::int64_t>(std::max<std::size_t>(1, usage_.size()));
  measure_timer_ = loop_.call_after(settings_.measure_interval / sessions, [this] {
    auto next = usage_.upper_bound(last_measured_);
    next = next == usage_.end() ? usage_.begin() : next;
    if (next == usage_.end()) {
      measure_next();
      return;
    }
    last_measured_ = next->first;
    measure(last_measured_, [this](const Result<std::int64_t>&) { measure_next(); });
  });
}

}  // namespace berth::worker
