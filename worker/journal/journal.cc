#include "worker/journal/journal.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <utility>

#include "worker/journal/frames.h"
#include "worker/journal/record_codec.h"

namespace berth::worker {
namespace {

constexpr std::uint64_t kAllotStep = 256u << 10;
constexpr int kMaxKeptAside = 100;
// Sessions that are over, written anew with each record while the journal is compacted: some 40 us.
constexpr std::size_t kPage = 16;

Error unavailable(Error cause) {
  cause.code = ErrorCode::kUnavailable;
  cause.reason = "JournalUnavailable";
  return std::move(cause).wrap("this worker cannot write down what it promises");
}

// `at` bytes into `fd`; on failure the file is as long as before.
Status write_at(int fd, std::uint64_t at, std::string_view bytes,
                const std::filesystem::path& path) {
  const std::uint64_t start = at;
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n <= 0) {
      const int err = n < 0 ? errno : ENOSPC;
      Error error = Error::from_errno(err, "writing " + path.string());
      if (::ftruncate(fd, static_cast<off_t>(start)) != 0) {
        error = std::move(error).wrap("a part of a record is left");
      }
      return fail(std::move(error));
    }
    bytes.remove_prefix(static_cast<std::size_t>(n));
    at += static_cast<std::uint64_t>(n);
  }
  return {};
}

Status sync_directory(const std::filesystem::path& directory) {
  const UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) {
    return fail(Error::from_errno(errno, "syncing " + directory.string()));
  }
  return {};
}

Result<UniqueFd> lock_directory(const std::filesystem::path& directory) {
  std::error_code ec;
  std::filesystem::create_directories(directory, ec);
  if (ec) {
    return fail(Error::from_errno(ec.value(), "making the state directory " + directory.string()));
  }
  const std::filesystem::path path = directory / "journal.lock";
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd) {
    return fail(Error::from_errno(errno, "opening " + path.string()));
  }
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) {
      return fail(Error::make(ErrorCode::kConflict, "StateDirectoryInUse",
                              "another worker uses the state directory " + directory.string()));
    }
    return fail(Error::from_errno(errno, "locking " + path.string()));
  }
  return fd;
}

}  // namespace

Result<std::string> read_boot_id(const std::filesystem::path& path) {
  BERTH_ASSIGN(std::string text, read_file(path, 256));
  while (!text.empty() && text.back() == '\n') {
    text.pop_back();
  }
  return text;
}

Journal::Journal(Settings settings, Log log, UniqueFd lock)
    : settings_(std::move(settings)),
      file_(settings_.directory / "journal"),
      log_(std::move(log)),
      lock_(std::move(lock)) {}
Journal::~Journal() = default;

Result<Journal::Opened> Journal::open(Settings settings, Log log) {
  BERTH_ASSIGN(UniqueFd lock, lock_directory(settings.directory));
  Opened out;
  out.journal.reset(new Journal(std::move(settings), std::move(log), std::move(lock)));
  Journal& self = *out.journal;
  std::error_code ignored;
  std::filesystem::remove(self.file_.string() + ".new", ignored);

  auto bytes = read_file(self.file_, self.settings_.max_bytes * 2);
  if (!bytes && bytes.error().code == ErrorCode::kNotFound) {
    BERTH_TRY(self.start_file({}, true));
    return out;
  }
  if (!bytes && bytes.error().code != ErrorCode::kResourceExhausted) {
    return fail(std::move(bytes).error());
  }
  auto parsed = bytes ? parse_journal(*bytes) : fail(bytes.error());
  if (!parsed) {
    std::filesystem::path name;
    for (int i = 1; i <= kMaxKeptAside; ++i) {
      name = self.file_.string() + ".unreadable-" + std::to_string(i);
      if (!std::filesystem::exists(name, ignored)) {
        break;
      }
    }
    self.log_.error(
        "the journal cannot be understood; it is kept aside and this worker starts retired",
        {{"kept", name.string()}, {"error", parsed.error()}});
    BERTH_TRY(self.keep_aside(name));
    out.kept_aside = name;
    out.records = {RetiredRecord{}};
    BERTH_TRY(self.start_file(out.records, true));
    return out;
  }
  if (parsed->good_bytes < bytes->size()) {
    self.log_.warn("the journal's last record was not written whole and is dropped",
                   {{"bytes", bytes->size() - parsed->good_bytes}});
  }
  out.same_boot = parsed->boot_id == self.settings_.boot_id;
  out.records = std::move(parsed->records);
  // Begun anew: that proves that it can be written, names this boot, and leaves no torn tail
  // behind.
  auto begun = self.start_file(out.records, true);
  if (!begun && out.same_boot) {
    self.log_.warn("no space to begin the journal anew; the old one goes on",
                   {{"error", begun.error()}});
    begun = self.go_on(parsed->good_bytes);
  }
  BERTH_TRY(begun);
  return out;
}

// A second name for the old file, so that at no moment there is neither a journal nor one that says
// "retired".
Status Journal::keep_aside(const std::filesystem::path& name) const {
  std::error_code ec;
  std::filesystem::remove(name, ec);
  std::filesystem::create_hard_link(file_, name, ec);
  if (ec) {
    std::filesystem::copy_file(file_, name, ec);
  }
  if (ec) {
    return fail(Error::from_errno(ec.value(), "keeping " + file_.string() + " aside"));
  }
  return {};
}

Result<Journal::Draft> Journal::begin_draft() const {
  Draft draft;
  draft.path = file_.string() + ".new";
  draft.fd = UniqueFd(::open(draft.path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!draft.fd) {
    return fail(Error::from_errno(errno, "creating " + draft.path.string()));
  }
  const std::string start = journal_start(settings_.boot_id);
  BERTH_TRY(write_at(draft.fd.get(), 0, start, draft.path));
  draft.size = start.size();
  return draft;
}

Status Journal::add_to(Draft& draft, const std::vector<Record>& records) const {
  std::string bytes;
  for (const Record& record : records) {
    draft.sync = draft.sync || std::holds_alternative<RetiredRecord>(record);
    bytes += frame(encode_record(record));
  }
  BERTH_TRY(write_at(draft.fd.get(), draft.size, bytes, draft.path));
  draft.size += bytes.size();
  return {};
}

Status Journal::put_in_place(Draft draft) {
  if (draft.sync && ::fsync(draft.fd.get()) != 0) {
    return fail(Error::from_errno(errno, "syncing " + draft.path.string()));
  }
  if (::rename(draft.path.c_str(), file_.c_str()) != 0) {
    return fail(Error::from_errno(errno, "renaming " + draft.path.string()));
  }
  fd_ = std::move(draft.fd);
  size_ = rewritten_ = allotted_ = draft.size;
  incomplete_ = false;
  return draft.sync ? sync_directory(settings_.directory) : Status{};
}

Status Journal::start_file(const std::vector<Record>& records, bool sync) {
  draft_.reset();  // Its file has the same name.
  auto done = begin_draft().and_then([&](Draft draft) {
    draft.sync = sync;
    return add_to(draft, records).and_then([&] { return put_in_place(std::move(draft)); });
  });
  if (!done) {
    ::unlink((file_.string() + ".new").c_str());
  }
  return done;
}

Status Journal::go_on(std::uint64_t good_bytes) {
  UniqueFd fd(::open(file_.c_str(), O_RDWR | O_CLOEXEC));
  if (!fd || ::ftruncate(fd.get(), static_cast<off_t>(good_bytes)) != 0) {
    return fail(Error::from_errno(errno, "going on with " + file_.string()));
  }
  fd_ = std::move(fd);
  size_ = rewritten_ = allotted_ = good_bytes;
  incomplete_ = true;
  return {};
}

Status Journal::rewrite(bool sync) {
  return start_file(source_ ? source_(0, SIZE_MAX).records : std::vector<Record>{}, sync);
}

// Records written meanwhile go to the old file; the pages that follow show what they did.
Status Journal::add_page() {
  if (!draft_) {
    BERTH_ASSIGN(draft_, begin_draft());
  }
  const SnapshotPage page = source_(draft_->next, kPage);
  BERTH_TRY(add_to(*draft_, page.records));
  if (page.next) {
    draft_->next = *page.next;
    return {};
  }
  return put_in_place(*std::exchange(draft_, std::nullopt));
}

void Journal::compact_a_little() {
  if (const auto done = add_page(); !done) {
    log_.warn("the journal cannot be compacted", {{"error", done.error()}});
    draft_.reset();
    ::unlink((file_.string() + ".new").c_str());
    rewritten_ = size_ / 2;  // Not again at every record.
  }
}

bool Journal::make_complete() {
  if (incomplete_ && source_) {
    if (const auto done = rewrite(false); !done) {
      log_.warn("the journal still cannot be rewritten", {{"error", done.error()}});
    }
  }
  return !incomplete_;
}

// Disk blocks for `more` bytes and the reserve behind them, without changing the file's length.
Status Journal::allot(std::uint64_t more) {
  const std::uint64_t need = size_ + more + settings_.reserve_bytes;
  if (need > settings_.max_bytes) {
    return fail(Error::make(ErrorCode::kResourceExhausted, "", "the journal has its largest size"));
  }
  if (need <= allotted_ || !allotting_works_) {
    return {};
  }
  for (const std::uint64_t step : {kAllotStep, std::uint64_t{0}}) {
    const std::uint64_t end = need + step;
    if (::fallocate(fd_.get(), FALLOC_FL_KEEP_SIZE, static_cast<off_t>(size_),
                    static_cast<off_t>(end - size_)) == 0) {
      allotted_ = end;
      return {};
    }
    if (errno == EOPNOTSUPP || errno == ENOSYS) {
      allotting_works_ = false;
      log_.warn("this file system cannot set space aside; ends may be lost if it fills up",
                {{"directory", settings_.directory.string()}});
      return {};
    }
  }
  return fail(Error::from_errno(errno, "setting space aside in " + file_.string()));
}

Status Journal::append(const std::string& framed, bool sync) {
  if (auto written = write_at(fd_.get(), size_, framed, file_); !written) {
    allotted_ = size_;  // Cutting the file back gave up what lay behind its end.
    (void)allot(0);
    return written;
  }
  if (sync && ::fdatasync(fd_.get()) != 0) {
    const int err = errno;
    // Whether it is on the disk is unknown, and a retire that was refused must not come back.
    incomplete_ = true;
    [[maybe_unused]] const int cut = ::ftruncate(fd_.get(), static_cast<off_t>(size_));
    return fail(Error::from_errno(err, "syncing " + file_.string()));
  }
  size_ += framed.size();
  return {};
}

Status Journal::write(const Record& record) {
  const bool anyway = happens_anyway(record);
  if (incomplete_ && !make_complete() && !anyway) {
    return fail(unavailable(
        Error::make(ErrorCode::kUnavailable, "", "an earlier step is not on disk yet")));
  }
  if (source_ && (draft_ || size_ > rewritten_ * 2 + settings_.compact_after)) {
    compact_a_little();
  }
  const std::string framed = frame(encode_record(record));
  // A retire comes after all sessions have ended, so the space set aside for them is its own too. A
  // large result is not worth that space: the table writes the bare fact instead.
  const bool small = framed.size() <= settings_.reserve_bytes / 4;
  const bool may_use_reserve = small && (anyway || std::holds_alternative<RetiredRecord>(record));
  auto done = may_use_reserve ? Status{} : allot(framed.size());
  if (done) {
    done = append(framed, std::holds_alternative<RetiredRecord>(record));
  }
  if (!done) {
    incomplete_ = incomplete_ || anyway;
    log_.error("a step cannot be written to the journal",
               {{"error", done.error()}, {"happened", anyway}});
    return fail(unavailable(std::move(done).error()));
  }
  return {};
}

}  // namespace berth::worker
