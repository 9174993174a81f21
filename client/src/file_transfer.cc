#include "client/src/file_transfer.h"

#include <utility>

#include "client/src/errors.h"

namespace berth::client {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// No byte for so long: the connection is dead, or the worker stands still.
constexpr Duration kSilence = seconds(30);
/// A large file over a slow line takes its time; silence is what ends it.
constexpr Duration kLongest = std::chrono::hours(24);

ClientError file_error(Error error) {
  ErrorKind kind = kind_of(error);
  if (error.field == "local") {
    // Not there, not ours to read, or on a full disk: in any case the caller's.
    kind = ErrorKind::kInvalidArgument;
  } else if (error.code == ErrorCode::kNotFound) {
    kind = ErrorKind::kFileNotFound;
  }
  return client_error(kind, std::move(error));
}

}  // namespace

Result<std::string> file_suffix(const std::string& path) {
  std::string out = "/files";
  std::string_view rest = path;
  for (bool more = true; more;) {
    const std::size_t slash = rest.find('/');
    const std::string_view part = rest.substr(0, slash);
    if (part.empty() || part == "." || part == "..") {
      return fail(Error::invalid(
          "path",
          "\"" + path.substr(0, 200) + "\" must be relative, without empty, '.' or '..' parts"));
    }
    out += "/" + http::percent_encode(part);
    more = slash != std::string_view::npos;
    rest.remove_prefix(more ? slash + 1 : rest.size());
  }
  return out;
}

FileTransfer::FileTransfer(Parts parts, std::shared_ptr<Session> session, std::string suffix,
                           DoneFn done)
    : parts_(std::move(parts)),
      session_(std::move(session)),
      suffix_(std::move(suffix)),
      done_(std::move(done)),
      backoff_({.initial = milliseconds(200), .max = seconds(5), .factor = 2.0, .jitter = 0.5},
               parts_.random) {}

http::CallOptions FileTransfer::options() {
  http::CallOptions options;
  options.deadline = kLongest;
  options.idle_timeout = kSilence;
  return options;
}

void FileTransfer::start() {
  last_moved_ = parts_.loop.clock().now();
  session_->add(shared_from_this());
  begin();
}

Cancel FileTransfer::send(Session::Ask ask, std::function<void(const Result<http::Response>&)> fn) {
  watch();
  return session_->send(std::move(ask), [weak = weak_from_this(),
                                         fn = std::move(fn)](const Result<http::Response>& result) {
    if (const auto self = weak.lock(); self && !self->over()) {
      fn(result);
    }
  });
}

void FileTransfer::moved() {
  last_moved_ = parts_.loop.clock().now();
  watch();
}

void FileTransfer::watch() {
  silence_ = parts_.loop.call_after(kSilence, [this] {
    failed(berth::fail(Error::make(ErrorCode::kDeadlineExceeded, "",
                                   "worker " + session_->facts().worker + " stopped answering")));
  });
}

void FileTransfer::failed(const Result<http::Response>& result) {
  const auto self = shared_from_this();
  silence_.cancel();
  call_.cancel();
  if (!unanswered(result) || !session_->may_wait(last_moved_)) {
    finish(fail(file_error(error_of(result))));
    return;
  }
  call_ = parts_.loop.call_after(backoff_.next(), [this] { begin(); });
}

void FileTransfer::cancel() {
  finish(fail(cancelled("the transfer was cancelled")));
}

void FileTransfer::session_over(const ClientError& why) {
  finish(fail(why));
}

void FileTransfer::finish(Outcome<std::monostate> outcome) {
  const auto self = shared_from_this();
  const auto done = std::exchange(done_, nullptr);
  if (!done) {
    return;
  }
  silence_.cancel();
  call_.cancel();
  let_go();
  session_->remove(*this);
  done(std::move(outcome));
}

// --- up

Upload::Upload(Parts parts, std::shared_ptr<Session> session, std::string suffix,
               std::shared_ptr<const LocalFile> file, DoneFn done)
    : FileTransfer(std::move(parts), std::move(session), std::move(suffix), std::move(done)),
      file_(std::move(file)) {}

void Upload::begin() {
  Session::Ask ask{.method = "PUT", .suffix = suffix_, .options = options()};
  ask.source = file_source(parts_.loop, parts_.run_blocking, file_, [weak = weak_from_this()] {
    if (const auto self = std::static_pointer_cast<Upload>(weak.lock()); self && !self->over()) {
      self->moved();
    }
  });
  call_ = send(std::move(ask), [this](const Result<http::Response>& result) {
    if (result && result->status < 300) {
      finish(std::monostate());
    } else {
      failed(result);
    }
  });
}

// --- down

Download::Download(Parts parts, std::shared_ptr<Session> session, std::string suffix,
                   std::shared_ptr<PartFile> file, DoneFn done)
    : FileTransfer(std::move(parts), std::move(session), std::move(suffix), std::move(done)),
      file_(std::move(file)) {}

void Download::begin() {
  ++try_;
  source_.reset();
  Session::Ask ask{.method = "GET", .suffix = suffix_, .options = options()};
  ask.options.stream = true;
  call_ = send(std::move(ask), [this](const Result<http::Response>& result) { answered(result); });
}

void Download::answered(const Result<http::Response>& result) {
  if (!result || result->status != 200 || !result->body_source) {
    failed(result);
    return;
  }
  if (result->headers.get("Content-Type") != "application/octet-stream") {
    failed(berth::fail(Error::invalid("path", "is a directory of the session; name a file")));
    return;
  }
  moved();
  source_ = result->body_source;
  blocking([](PartFile& file) { return file.restart(); }, &Download::pull);
}

void Download::pull() {
  source_->next([weak = weak_from_this(), number = try_](const Result<std::string>& chunk) {
    const auto self = std::static_pointer_cast<Download>(weak.lock());
    if (self && !self->over() && self->try_ == number) {
      self->take(chunk);
    }
  });
}

void Download::take(const Result<std::string>& chunk) {
  if (!chunk) {
    failed(berth::fail(chunk.error()));
    return;
  }
  moved();
  if (chunk->empty()) {
    blocking([](PartFile& file) { return file.commit(); }, &Download::complete);
  } else {
    blocking([bytes = *chunk](PartFile& file) { return file.append(bytes); }, &Download::pull);
  }
}

void Download::blocking(std::function<Status(PartFile&)> job, void (Download::*next)()) {
  // So no other try begins while one of our jobs still writes.
  still();
  const bool taken =
      parts_.run_blocking([&loop = parts_.loop, weak = weak_from_this(), file = file_,
                           job = std::move(job), next, number = try_]() mutable {
        Status status = job(*file);
        file.reset();
        loop.post([weak, next, number, status = std::move(status)] {
          const auto self = std::static_pointer_cast<Download>(weak.lock());
          if (!self || self->over() || self->try_ != number) {
            return;
          }
          if (status) {
            ((*self).*next)();
          } else {
            self->failed(berth::fail(status.error()));
          }
        });
      });
  if (!taken) {
    failed(berth::fail(Error::make(ErrorCode::kResourceExhausted, "TooManyTransfers",
                                   "too many files are on their way at once")));
  }
}

void Download::complete() {
  finish(std::monostate());
}

void Download::let_go() {
  source_.reset();
  file_.reset();
}

}  // namespace berth::client
