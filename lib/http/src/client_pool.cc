#include "lib/http/src/client_pool.h"

#include "lib/http/src/client_call.h"

namespace berth::http {

ClientPool::ClientPool(AsioLoop& loop, BeastTransportSettings settings)
    : loop_(loop), settings_(std::move(settings)), scratch_(64u << 10), roots_(settings_.roots) {}

ClientPool::~ClientPool() {
  const auto calls = std::exchange(calls_, {});
  for (const auto& [key, call] : calls) {
    call->orphan();
  }
}

Result<std::shared_ptr<const TrustedRoots>> ClientPool::roots() {
  if (!roots_) {
    BERTH_ASSIGN(roots_, TrustedRoots::system());
  }
  return roots_;
}

std::unique_ptr<Stream> ClientPool::take(const std::string& key) {
  const auto found = idle_.find(key);
  if (found == idle_.end()) {
    return nullptr;
  }
  std::unique_ptr<Stream> stream;
  auto& idle = found->second;
  while (!stream && !idle.empty()) {
    if (idle.back().stream->quiet()) {
      stream = std::move(idle.back().stream);
    }
    idle.pop_back();
  }
  if (idle.empty()) {
    idle_.erase(found);
  }
  return stream;
}

void ClientPool::give(const std::string& key, std::unique_ptr<Stream> stream) {
  if (settings_.max_idle_per_origin == 0) {
    return;
  }
  auto& idle = idle_[key];
  if (idle.size() >= settings_.max_idle_per_origin) {
    idle.erase(idle.begin());
  }
  idle.push_back({std::move(stream), loop_.clock().now()});
  if (!sweep_) {
    sweep_later();
  }
}

void ClientPool::sweep_later() {
  sweep_ = loop_.call_after(settings_.idle_timeout / 2, [this] {
    sweep_.release();
    sweep();
    if (!idle_.empty()) {
      sweep_later();
    }
  });
}

void ClientPool::sweep() {
  const TimePoint oldest = loop_.clock().now() - settings_.idle_timeout / 2;
  for (auto it = idle_.begin(); it != idle_.end();) {
    std::erase_if(it->second,
                  [&](const Idle& idle) { return idle.since <= oldest || !idle.stream->quiet(); });
    it = it->second.empty() ? idle_.erase(it) : std::next(it);
  }
}

void ClientPool::add(std::shared_ptr<ClientCall> call) {
  ClientCall* key = call.get();
  calls_.emplace(key, std::move(call));
}

void ClientPool::remove(ClientCall& call) {
  // Taken out first: the call may be destroyed here, with everything its callback held.
  const auto node = calls_.extract(&call);
}

}  // namespace berth::http
