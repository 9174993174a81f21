#include "cli/kubectl/port_forward.h"

#include <unistd.h>

#include <charconv>
#include <utility>

#include "cli/kubectl/kubectl.h"

namespace berth::cli {
namespace {

constexpr Duration kForwardLimit = std::chrono::seconds(30);
constexpr Duration kSteady = std::chrono::minutes(1);
constexpr std::size_t kMostLine = 2000;

std::vector<std::string> environment() {
  std::vector<std::string> out;
  for (char** at = environ; at != nullptr && *at != nullptr; ++at) {
    out.emplace_back(*at);
  }
  return out;
}

}  // namespace

std::optional<int> forwarded_port(std::string_view line) {
  constexpr std::string_view kStart = "Forwarding from 127.0.0.1:";
  if (!line.starts_with(kStart)) {
    return std::nullopt;
  }
  line.remove_prefix(kStart.size());
  int port = 0;
  const auto [end, ec] = std::from_chars(line.data(), line.data() + line.size(), port);
  const bool good = ec == std::errc() && port > 0 && port < 65536 &&
                    line.substr(static_cast<std::size_t>(end - line.data())).starts_with(" -> ");
  return good ? std::optional(port) : std::nullopt;
}

PortForward::PortForward(AsioLoop& loop, Random& random, Spec spec,
                         std::function<void(const std::string&)> trouble)
    : loop_(loop),
      spec_(std::move(spec)),
      trouble_(std::move(trouble)),
      backoff_({std::chrono::milliseconds(200), std::chrono::seconds(5), 2.0, 0.2}, random) {}

void PortForward::start(std::function<void(Result<int>)> ready) {
  ready_ = std::move(ready);
  timer_ = loop_.call_after(kForwardLimit, [this] {
    answer(fail(Error::make(ErrorCode::kDeadlineExceeded, "",
                            "kubectl port-forward was not ready within 30 s: " + last_words_)));
  });
  launch();
}

void PortForward::launch() {
  devcluster::ProcessSpec process;
  process.program = spec_.kubectl;
  process.argv = {spec_.kubectl.string()};
  process.argv.insert(process.argv.end(), spec_.global_args.begin(), spec_.global_args.end());
  const std::string local = local_port_ == 0 ? "" : std::to_string(local_port_);
  process.argv.insert(process.argv.end(),
                      {"port-forward", "--namespace=" + spec_.ns, "--address=127.0.0.1",
                       "service/" + spec_.service, local + ":" + std::to_string(spec_.port)});
  process.env = environment();
  std::error_code failure;
  process.working_dir = std::filesystem::current_path(failure);
  line_.clear();
  started_ = loop_.clock().now();
  auto started = devcluster::ChildProcess::start(
      loop_, process,
      {.output = [this](std::string_view bytes) { read(bytes); },
       // The object calls us: it must not be destroyed inside.
       .exited = [this](devcluster::ExitStatus) { loop_.post([this] { ended(); }); }});
  if (!started) {
    answer(fail(std::move(started).error().wrap("kubectl port-forward")));
    return;
  }
  process_ = *std::move(started);
}

void PortForward::read(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    if (line_.size() < kMostLine) {
      line_.append(bytes.substr(0, std::min(end, kMostLine)));
    }
    if (end == std::string_view::npos) {
      return;
    }
    bytes.remove_prefix(end + 1);
    const std::string line = std::exchange(line_, {});
    if (const auto port = forwarded_port(line)) {
      local_port_ = *port;
      answer(*port);
    } else if (!line.starts_with("Handling connection") && !line.starts_with("Forwarding from")) {
      last_words_ = line;
    }
  }
}

void PortForward::ended() {
  process_.reset();
  const std::string why = line_.empty() ? last_words_ : line_;
  if (ready_) {
    answer(fail(kubectl_error("reaching the gateway", why)));
    return;
  }
  if (local_port_ == 0) {
    return;
  }
  if (loop_.clock().now() - started_ > kSteady) {
    backoff_.reset();
  }
  trouble_(why);
  timer_ = loop_.call_after(backoff_.next(), [this] { launch(); });
}

void PortForward::answer(Result<int> result) {
  if (const auto ready = std::exchange(ready_, nullptr)) {
    timer_.cancel();
    ready(std::move(result));
  }
}

}  // namespace berth::cli
