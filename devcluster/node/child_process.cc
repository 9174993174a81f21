#include "devcluster/node/child_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <cstring>

#include "berth/base/file.h"
#include "devcluster/node/reaper.h"

namespace berth::devcluster {

namespace asio = boost::asio;

namespace {

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> out;
  out.reserve(strings.size() + 1);
  for (const std::string& s : strings) {
    out.push_back(const_cast<char*>(s.c_str()));
  }
  out.push_back(nullptr);
  return out;
}

ExitStatus exit_status(int status) {
  return WIFSIGNALED(status) ? ExitStatus{128 + WTERMSIG(status), WTERMSIG(status)}
                             : ExitStatus{WEXITSTATUS(status), 0};
}

/// The first message: started, or why not. A few milliseconds at most, as the reaper only forks.
Result<pid_t> wait_for_start(int fd, const ProcessSpec& spec) {
  ReaperMessage message;
  ssize_t n = 0;
  do {
    n = ::read(fd, &message, sizeof message);
  } while (n < 0 && errno == EINTR);
  if (n != sizeof message) {
    return fail(Error::internal("the reaper process ended before starting anything"));
  }
  if (message.kind == ReaperMessage::kFailed) {
    const std::string doing = message.step == kStepDirectory
                                  ? "working directory " + spec.working_dir.string()
                                  : "starting " + spec.program.string();
    return fail(Error::from_errno(message.value, doing));
  }
  return message.value;
}

}  // namespace

struct ChildProcess::Impl : std::enable_shared_from_this<ChildProcess::Impl> {
  Impl(AsioLoop& loop, pid_t reaper_pid, Events e)
      : reaper(reaper_pid), output(loop.context()), reports(loop.context()), events(std::move(e)) {}

  void wait_output() {
    output.async_wait(asio::posix::stream_descriptor::wait_read,
                      [self = shared_from_this()](const boost::system::error_code& ec) {
                        if (!ec && !self->closed) {
                          self->read_output();
                        }
                      });
  }

  void read_output() {
    std::array<char, 16384> buffer{};
    const ssize_t n = ::read(output.native_handle(), buffer.data(), buffer.size());
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
      output_ended = true;
      finish_if_done();
      return;
    }
    if (n > 0) {
      events.output(std::string_view(buffer.data(), static_cast<std::size_t>(n)));
    }
    if (!closed) {
      wait_output();
    }
  }

  void wait_reports() {
    reports.async_wait(asio::posix::stream_descriptor::wait_read,
                       [self = shared_from_this()](const boost::system::error_code& ec) {
                         if (!ec && !self->closed) {
                           self->read_report();
                         }
                       });
  }

  void read_report() {
    ReaperMessage message;
    const ssize_t n = ::read(reports.native_handle(), &message, sizeof message);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
      wait_reports();
      return;
    }
    if (n == sizeof message) {
      take(message);
      wait_reports();
      return;
    }
    collect();
    reports_ended = true;
    finish_if_done();
  }

  void take(const ReaperMessage& message) {
    if (message.kind == ReaperMessage::kExited) {
      status = message.value;
    }
  }

  void collect() {
    if (reaper > 0) {
      while (::waitpid(reaper, nullptr, 0) < 0 && errno == EINTR) {
      }
      reaper = 0;
    }
  }

  void finish_if_done() {
    if (output_ended && reports_ended && !closed) {
      close();
      const auto exited = std::move(events.exited);
      exited(exit_status(status));
    }
  }

  void close() {
    closed = true;
    boost::system::error_code ignored;
    output.close(ignored);
    reports.close(ignored);
  }

  pid_t reaper;
  pid_t main = 0;
  asio::posix::stream_descriptor output;
  asio::posix::stream_descriptor reports;
  Events events;
  // Without a report the reaper was killed, and what it watched with it.
  int status = SIGKILL;
  bool output_ended = false;
  bool reports_ended = false;
  bool closed = false;
};

Result<std::unique_ptr<ChildProcess>> ChildProcess::start(AsioLoop& loop, const ProcessSpec& spec,
                                                          Events events) {
  if (::access(spec.program.c_str(), X_OK) != 0) {
    return fail(Error::from_errno(errno, "starting " + spec.program.string()));
  }
  if (::access(spec.working_dir.c_str(), X_OK) != 0) {
    return fail(Error::from_errno(errno, "working directory " + spec.working_dir.string()));
  }
  BERTH_ASSIGN(Pipe output, Pipe::make());
  BERTH_ASSIGN(Pipe report, Pipe::make());
  const auto argv = pointers(spec.argv);
  const auto env = pointers(spec.env);
  const ReaperPlan plan{.program = spec.program.c_str(),
                        .argv = argv.data(),
                        .env = env.data(),
                        .directory = spec.working_dir.c_str(),
                        .report_fd = report.write.get(),
                        .output_fd = output.write.get(),
                        .owner = ::getpid()};
  const pid_t pid = ::fork();
  if (pid == 0) {
    run_reaper(plan);
  }
  if (pid < 0) {
    return fail(Error::from_errno(errno, "starting a process"));
  }
  output.write.reset();
  report.write.reset();
  const auto main = wait_for_start(report.read.get(), spec);
  if (!main) {
    while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    return fail(main.error());
  }
  auto impl = std::make_shared<Impl>(loop, pid, std::move(events));
  impl->main = *main;
  impl->output.assign(output.read.release());
  impl->reports.assign(report.read.release());
  impl->output.non_blocking(true);
  impl->reports.non_blocking(true);
  impl->wait_output();
  impl->wait_reports();
  return std::unique_ptr<ChildProcess>(new ChildProcess(std::move(impl)));
}

ChildProcess::~ChildProcess() {
  if (!impl_->closed) {
    impl_->close();
  }
  if (impl_->reaper > 0) {
    ::kill(impl_->reaper, SIGUSR1);
    impl_->collect();
  }
}

void ChildProcess::terminate() {
  if (impl_->reaper > 0) {
    ::kill(impl_->reaper, SIGTERM);
  }
}

void ChildProcess::kill() {
  if (impl_->reaper > 0) {
    ::kill(impl_->reaper, SIGUSR1);
  }
}

pid_t ChildProcess::pid() const {
  return impl_->main;
}

}  // namespace berth::devcluster
