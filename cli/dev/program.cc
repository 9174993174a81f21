#include "cli/dev/program.h"

#include <cstdlib>

#include "berth/base/file.h"

namespace berth::cli {
namespace {

constexpr Duration kReadyLimit = std::chrono::seconds(20);
constexpr Duration kLook = std::chrono::milliseconds(20);
constexpr std::uint64_t kLogBytes = 16u << 20;

// What a child needs of our environment, and no more: a caller's KUBECONFIG must not reach it.
std::vector<std::string> child_environment() {
  std::vector<std::string> env;
  for (const char* name : {"PATH", "HOME", "TMPDIR", "LANG", "TZ"}) {
    if (const char* value = std::getenv(name)) {
      env.push_back(std::string(name) + "=" + value);
    }
  }
  return env;
}

}  // namespace

Program::Program(AsioLoop& loop, Random& random, Log log, Spec spec)
    : loop_(loop),
      log_(std::move(log)),
      spec_(std::move(spec)),
      port_file_(spec_.dir / (spec_.name + ".ports")),
      output_(spec_.dir / (spec_.name + ".log"), kLogBytes),
      backoff_({std::chrono::milliseconds(500), std::chrono::seconds(10), 2.0, 0.0}, random) {}

Program::~Program() = default;

void Program::start(std::function<void(Result<Json>)> ready) {
  ready_ = std::move(ready);
  launch();
}

void Program::launch() {
  std::error_code ignored;
  std::filesystem::remove(port_file_, ignored);
  devcluster::ProcessSpec spec;
  spec.program = spec_.path;
  spec.argv = {spec_.path.string()};
  for (const Listen& listen : spec_.listen) {
    spec.argv.insert(spec.argv.end(), {listen.flag, listen.address});
  }
  spec.argv.insert(spec.argv.end(), spec_.args.begin(), spec_.args.end());
  spec.argv.insert(spec.argv.end(), {"--port-file", port_file_.string()});
  spec.env = child_environment();
  spec.working_dir = spec_.dir;
  started_ = loop_.clock().now();
  auto process = devcluster::ChildProcess::start(
      loop_, spec,
      {.output = [this](std::string_view bytes) { output_.write(bytes); },
       .exited =
           [this](devcluster::ExitStatus status) {
             // The object calls us: it must not be destroyed inside.
             loop_.post([this, status] { ended(status); });
           }});
  if (!process) {
    answer(fail(std::move(process).error().wrap("starting " + spec_.name)));
    return;
  }
  process_ = std::move(*process);
  if (ready_) {
    look_for_ports();
  }
}

void Program::look_for_ports() {
  if (const Result<std::string> text = read_file(port_file_, 65536)) {
    Result<Json> ports = parse_json(*text);
    if (ports) {
      keep_addresses(*ports);
    }
    answer(std::move(ports));
    return;
  }
  if (loop_.clock().now() - started_ > kReadyLimit) {
    answer(fail(Error::make(ErrorCode::kDeadlineExceeded, "",
                            spec_.name + " did not start within 20 s: " + last_words())));
    return;
  }
  timer_ = loop_.call_after(kLook, [this] { look_for_ports(); });
}

void Program::keep_addresses(const Json& ports) {
  for (Listen& listen : spec_.listen) {
    if (const auto bound = get_string(ports, listen.key)) {
      listen.address = *bound;
    }
  }
}

void Program::answer(Result<Json> result) {
  timer_.cancel();
  if (auto ready = std::exchange(ready_, nullptr)) {
    ready(std::move(result));
  }
}

std::string Program::last_words() const {
  std::string text = output_.read();
  text.erase(text.find_last_not_of('\n') + 1);
  text.erase(0, text.rfind('\n') + 1);
  return text.empty() ? "it wrote nothing" : text.substr(0, 2000);
}

// What is wrong with a flag of ours is told as `berth` itself would.
Error Program::start_error(devcluster::ExitStatus status) const {
  const std::string words = last_words();
  const std::string refused = spec_.path.filename().string() + ": InvalidArgument: ";
  if (words.starts_with(refused)) {
    return Error::invalid("", words.substr(refused.size()));
  }
  return Error::make(
      ErrorCode::kUnavailable, "",
      spec_.name + " ended with status " + std::to_string(status.exit_code) + ": " + words);
}

void Program::ended(devcluster::ExitStatus status) {
  process_.reset();
  killer_.cancel();
  if (stopping_) {
    if (auto done = std::exchange(stopped_, nullptr)) {
      done();
    }
    return;
  }
  if (ready_) {
    answer(fail(start_error(status)));
    return;
  }
  if (loop_.clock().now() - started_ > std::chrono::minutes(1)) {
    backoff_.reset();
  }
  const Duration delay = backoff_.next();
  log_.warn("a program ended by itself and is started again",
            {{"program", spec_.name},
             {"status", status.exit_code},
             {"in_seconds", std::chrono::duration<double>(delay).count()}});
  timer_ = loop_.call_after(delay, [this] { launch(); });
}

void Program::stop(Duration grace, std::function<void()> done) {
  stopping_ = true;
  timer_.cancel();
  if (!process_) {
    done();
    return;
  }
  stopped_ = std::move(done);
  process_->terminate();
  killer_ = loop_.call_after(grace, [this] {
    log_.warn("a program did not stop in time and is killed", {{"program", spec_.name}});
    process_->kill();
  });
}

}  // namespace berth::cli
