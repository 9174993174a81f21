#include "worker/activity/process/child.h"

#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <utility>

#include "worker/activity/process/marker.h"

namespace berth::worker {
namespace {

constexpr std::size_t kMaxProgressLine = 16u << 10;
constexpr std::size_t kPipeDrain =
    1u << 20;  // The largest pipe that an unprivileged process can have.
constexpr Duration kFirstRetry = std::chrono::milliseconds(1);
constexpr Duration kLastRetry = std::chrono::milliseconds(100);
constexpr Duration kStuckAfter = std::chrono::seconds(5);
// The process table is no snapshot: a process may slip through one reading of it, behind a parent
// that just exits.
constexpr int kSweepsToBeSure = 2;

}  // namespace

Result<std::unique_ptr<Child>> Child::start(ProcessSupervisor& supervisor, ChildSpec spec,
                                            ChildEvents events) {
  spec.spawn.limit_mark = limit_mark(spec.marker);
  BERTH_ASSIGN(Spawned process, spawn(spec.spawn));
  return std::unique_ptr<Child>(
      new Child(supervisor, std::move(spec), std::move(process), std::move(events)));
}

Child::Child(ProcessSupervisor& supervisor, ChildSpec spec, Spawned process, ChildEvents events)
    : supervisor_(supervisor),
      loop_(supervisor.loop()),
      spec_(std::move(spec)),
      events_(std::move(events)),
      process_(std::move(process)) {
  open_pipes(process_);
  exit_wait_ = when_readable(loop_, process_.pidfd.get(), [this] { on_leader_exit(); });
  watch_ = supervisor_.watch({process_.pid, spec_.marker, spec_.max_processes > 0,
                              [this](const auto& alive) { on_sweep(alive); }});
}

Child::~Child() {
  if (!finished_) {
    ::kill(-process_.pid, SIGKILL);
    supervisor_.log().error("an activity's processes were abandoned",
                            {{"processGroup", process_.pid}, {"marker", spec_.marker}});
  }
}

void Child::open_pipes(Spawned& process) {
  if (process.in) {
    stdin_.emplace(loop_, std::move(process.in), std::exchange(spec_.stdin_bytes, {}));
  }
  stdout_.emplace(loop_, std::move(process.out), [this](std::string_view b) { on_output(b); });
  stderr_.emplace(loop_, std::move(process.err), [this](std::string_view b) {
    tail_.append(b);
    events_.stderr_grew();
    if (spec_.stream) {
      events_.output(true, b);
    }
  });
  if (process.progress) {
    progress_.emplace(loop_, std::move(process.progress), [this](std::string_view bytes) {
      while (!bytes.empty()) {
        const std::size_t end = bytes.find('\n');
        const std::string_view part = bytes.substr(0, end);
        line_too_long_ = line_too_long_ || progress_line_.size() + part.size() > kMaxProgressLine;
        if (!line_too_long_) {
          progress_line_.append(part);
        }
        if (end == std::string_view::npos) {
          return;
        }
        bytes.remove_prefix(end + 1);
        const std::string line = std::exchange(progress_line_, {});
        if (!std::exchange(line_too_long_, false) && !line.empty()) {
          events_.progress_line(line);
        }
      }
    });
  }
}

void Child::hold_output() {
  stdout_->hold();
  stderr_->hold();
}

void Child::release_output() {
  stdout_->release();
  stderr_->release();
}

void Child::on_output(std::string_view bytes) {
  if (spec_.stream) {
    events_.output(false, bytes);
    return;
  }
  if (output_too_large_) {
    return;
  }
  if (output_.size() + bytes.size() <= static_cast<std::size_t>(spec_.max_output_bytes)) {
    output_.append(bytes);
    return;
  }
  output_too_large_ = true;
  output_ = {};
  stdout_->close();
  events_.limit_passed(
      "OutputTooLarge",
      "it printed more than " + std::to_string(spec_.max_output_bytes) + " bytes to stdout");
  stop();
}

void Child::stop() {
  if (stopping_ || exited_) {
    return;
  }
  stopping_ = true;
  ::kill(-process_.pid, SIGTERM);
  ::kill(-process_.pid, SIGCONT);  // A stopped process gets the other signal only when it goes on.
  grace_timer_ = loop_.call_after(spec_.kill_grace, [this] { kill(); });
}

void Child::kill() {
  if (finished_ || std::exchange(killing_, true)) {
    return;
  }
  stopping_ = true;
  killed_at_ = loop_.clock().now();
  ::kill(-process_.pid, SIGKILL);
  supervisor_.sweep_soon();
}

void Child::on_leader_exit() {
  exited_ = true;
  kill();
}

void Child::on_sweep(const std::vector<ProcessInfo>& alive) {
  if (finished_) {
    return;
  }
  if (!killing_) {
    if (spec_.max_processes > 0 && alive.size() > static_cast<std::size_t>(spec_.max_processes)) {
      events_.limit_passed("TooManyProcesses", "it ran " + std::to_string(alive.size()) +
                                                   " processes; the limit is " +
                                                   std::to_string(spec_.max_processes));
      kill();
    }
    return;
  }
  if (!alive.empty() || !exited_) {
    empty_sweeps_ = 0;
    keep_killing(alive);
  } else if (++empty_sweeps_ < kSweepsToBeSure) {
    supervisor_.sweep_soon();
  } else {
    finish();
  }
}

void Child::keep_killing(const std::vector<ProcessInfo>& alive) {
  ::kill(-process_.pid, SIGKILL);
  for (const ProcessInfo& p : alive) {
    signal_process(p, SIGKILL);
  }
  if (!stuck_ && loop_.clock().now() - killed_at_ >= kStuckAfter) {
    stuck_ = true;
    supervisor_.log().error("processes of an activity survive SIGKILL; its slot stays used",
                            {{"marker", spec_.marker},
                             {"processGroup", process_.pid},
                             {"left", alive.size()},
                             {"example", alive.empty() ? process_.pid : alive.front().pid}});
  }
  retry_ = std::clamp(2 * retry_, kFirstRetry, kLastRetry);
  retry_timer_ = loop_.call_after(retry_, [this] { supervisor_.sweep_soon(); });
}

void Child::finish() {
  // Nobody is left to write, so what the pipes hold is all there is.
  stderr_->drain(kPipeDrain);
  stdout_->drain(kPipeDrain);
  if (progress_) {
    progress_->drain(kPipeDrain);
  }
  stdin_.reset();
  finished_ = true;
  grace_timer_.cancel();
  watch_.cancel();

  ChildExit exit;
  int status = 0;
  ::waitpid(process_.pid, &status, 0);
  if (WIFEXITED(status)) {
    exit.exit_code = WEXITSTATUS(status);
  } else {
    exit.signal = WTERMSIG(status);
  }
  exit.output = std::move(output_);
  exit.stderr_tail = tail_.text();
  loop_.post([this, exit = std::move(exit), weak = std::weak_ptr(alive_)]() mutable {
    if (!weak.expired()) {
      const auto gone = std::move(events_.gone);
      gone(std::move(exit));
    }
  });
}

}  // namespace berth::worker
