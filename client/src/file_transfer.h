#pragma once

#include <functional>
#include <memory>
#include <string>

#include "berth/base/backoff.h"
#include "client/src/file_io.h"
#include "client/src/session.h"

namespace berth::client {

/// ".../files/{path}" for a relative path without empty, "." or ".." parts; else the error of field
/// "path".
Result<std::string> file_suffix(const std::string& path);

/// What both directions share: repeats from the beginning while the session lives, an eye on
/// silence, one answer. Loop thread only; made by make_shared; kept by its session.
class FileTransfer : public Session::Call, public std::enable_shared_from_this<FileTransfer> {
 public:
  struct Parts {
    EventLoop& loop;
    Random& random;
    RunBlocking run_blocking;
  };
  using DoneFn = std::function<void(Outcome<std::monostate>)>;

  void start();
  void cancel();
  void session_over(const ClientError& why) override;

 protected:
  FileTransfer(Parts parts, std::shared_ptr<Session> session, std::string suffix, DoneFn done);

  /// Sends the request of one try.
  virtual void begin() = 0;
  Cancel send(Session::Ask ask, std::function<void(const Result<http::Response>&)> fn);
  /// The answer's head or a chunk came, or a chunk went.
  void moved();
  /// What is waited for now is not the worker.
  void still() { silence_.cancel(); }
  /// One try has failed: another one, or the end.
  void failed(const Result<http::Response>& result);
  void finish(Outcome<std::monostate> outcome);
  bool over() const { return done_ == nullptr; }
  virtual void let_go() = 0;

  static http::CallOptions options();

  const Parts parts_;
  const std::shared_ptr<Session> session_;
  const std::string suffix_;
  Cancel call_;

 private:
  void watch();

  DoneFn done_;
  TimePoint last_moved_{};
  Backoff backoff_;
  Cancel silence_;
};

class Upload final : public FileTransfer {
 public:
  Upload(Parts parts, std::shared_ptr<Session> session, std::string suffix,
         std::shared_ptr<const LocalFile> file, DoneFn done);

 private:
  void begin() override;
  void let_go() override {}
  const std::shared_ptr<const LocalFile> file_;
};

class Download final : public FileTransfer {
 public:
  Download(Parts parts, std::shared_ptr<Session> session, std::string suffix,
           std::shared_ptr<PartFile> file, DoneFn done);

 private:
  void begin() override;
  void let_go() override;
  void answered(const Result<http::Response>& result);
  void pull();
  void take(const Result<std::string>& chunk);
  /// Runs a step of the part file elsewhere, then `next` here if it worked.
  void blocking(std::function<Status(PartFile&)> job, void (Download::*next)());
  void complete();

  std::shared_ptr<PartFile> file_;
  std::shared_ptr<http::BodySource> source_;
  int try_ = 0;
};

}  // namespace berth::client
