#include "cli/kubectl/tunnel.h"

#include <future>
#include <iostream>
#include <utility>

#include "cli/text/table.h"

namespace berth::cli {
namespace {

// Tokens are good for an hour; an API server may give less, at least ten minutes.
constexpr Duration kRenewAfter = std::chrono::minutes(5);
constexpr Duration kRetryAfter = std::chrono::seconds(30);

void warn(const std::string& text) {
  std::cerr << "berth: " + printable(text) + "\n";
}

}  // namespace

Result<std::unique_ptr<Tunnel>> Tunnel::open(Spec spec) {
  std::unique_ptr<Tunnel> tunnel(new Tunnel(std::move(spec)));
  BERTH_TRY(tunnel->start());
  return tunnel;
}

Status Tunnel::start() {
  // The token first: here a plugin may ask for a password, while the forwarding has no terminal.
  if (spec_.account) {
    BERTH_ASSIGN(token_, spec_.kubectl.create_token(spec_.account->ns, spec_.account->name));
  }
  auto answer = std::make_shared<std::promise<Result<int>>>();
  thread_ = std::thread(
      [this, answer] { run([answer](Result<int> port) { answer->set_value(std::move(port)); }); });
  const Result<int> port = answer->get_future().get();
  if (!port) {
    return fail(port.error());
  }
  if (*port != 0) {
    gateway_ = "http://127.0.0.1:" + std::to_string(*port);
  }
  return {};
}

void Tunnel::run(std::function<void(Result<int>)> ready) {
  std::optional<PortForward> forward;
  if (spec_.account) {
    renewal_ = loop_.call_after(kRenewAfter, [this] { renew(); });
  }
  if (spec_.forward) {
    forward.emplace(loop_, random_, *spec_.forward, [](const std::string& why) {
      warn("kubectl port-forward ended and is started again: " + why);
    });
    forward->start(std::move(ready));
  } else {
    ready(0);
  }
  loop_.run();
}

// Blocks this thread, on which nothing else is urgent.
void Tunnel::renew() {
  auto token = spec_.kubectl.create_token(spec_.account->ns, spec_.account->name);
  renewal_ = loop_.call_after(token ? kRenewAfter : kRetryAfter, [this] { renew(); });
  if (token) {
    const std::lock_guard lock(mutex_);
    token_ = *std::move(token);
  } else {
    warn("the token could not be renewed: " + token.error().text());
  }
}

std::string Tunnel::token() const {
  const std::lock_guard lock(mutex_);
  return token_;
}

Tunnel::~Tunnel() {
  if (thread_.joinable()) {
    loop_.stop();
    thread_.join();
  }
}

}  // namespace berth::cli
