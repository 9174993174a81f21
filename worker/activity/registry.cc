#include <algorithm>
#include <utility>

#include "worker/activity/executor.h"

namespace berth::worker {

bool ActivityRegistry::add(std::string type, std::shared_ptr<Executor> executor) {
  if (find(type) != nullptr) {
    return false;
  }
  executors_.emplace_back(std::move(type), std::move(executor));
  return true;
}

Executor* ActivityRegistry::find(const std::string& type) const {
  const auto at = std::find_if(executors_.begin(), executors_.end(),
                               [&](const auto& e) { return e.first == type; });
  return at == executors_.end() ? nullptr : at->second.get();
}

std::vector<std::string> ActivityRegistry::types() const {
  std::vector<std::string> out;
  for (const auto& [type, executor] : executors_) {
    out.push_back(type);
  }
  return out;
}

}  // namespace berth::worker
