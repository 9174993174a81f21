#include "worker/api/slots_hub.h"

#include <algorithm>
#include <utility>

namespace berth::worker {

SlotsHub::SlotsHub(EventLoop& loop, const SessionTable& table,
                   std::function<std::set<std::string>()> keys, std::size_t max_waiting)
    : loop_(loop),
      table_(table),
      keys_(std::move(keys)),
      max_waiting_(max_waiting),
      told_version_(table.version()),
      told_edges_(edges()) {}

std::vector<int> SlotsHub::edges() const {
  std::vector<int> out;
  out.reserve(1 + table_.capacity().size());
  out.push_back(static_cast<int>(table_.state()));
  for (const auto& [name, capacity] : table_.capacity()) {
    const auto it = table_.used().find(name);
    const std::int64_t used = it == table_.used().end() ? 0 : it->second;
    out.push_back(used >= capacity ? 1 : 0);
  }
  return out;
}

void SlotsHub::answer(const std::shared_ptr<http::Exchange>& exchange) const {
  api::Slots slots = table_.slots();
  if (keys_) {
    const std::set<std::string> ids = keys_();
    slots.keys.emplace();
    for (const std::string& id : ids) {
      if (slots.keys->size() < api::kMaxKeysTold) {
        slots.keys->push_back(id);
      }
    }
  }
  exchange->reply_json(200, dump_json(api::to_json(slots)));
}

void SlotsHub::poll(const std::shared_ptr<http::Exchange>& exchange, const std::string& incarnation,
                    std::int64_t after, Duration wait) {
  const bool known = incarnation == table_.slots().incarnation.str();
  if (!known || after < told_version_ || wait <= Duration{0}) {
    answer(exchange);
    return;
  }
  if (waiters_.size() >= max_waiting_) {
    release(waiters_.front());
  }
  auto waiter = std::make_shared<Waiter>();
  waiter->exchange = exchange;
  waiter->after = after;
  waiter->place = waiters_.insert(waiters_.end(), waiter);
  const std::weak_ptr<Waiter> weak = waiter;
  waiter->timer = loop_.call_after(std::min(wait, kLongestWait), [this, weak] { release(weak); });
  // May come when the answer is already on its way.
  exchange->on_client_gone([this, weak] {
    if (const auto gone = weak.lock()) {
      leave(*gone);
    }
  });
}

void SlotsHub::leave(Waiter& waiter) {
  if (std::exchange(waiter.waits, false)) {
    waiter.timer.cancel();
    waiters_.erase(waiter.place);
  }
}

void SlotsHub::release(const std::weak_ptr<Waiter>& weak) {
  if (const auto waiter = weak.lock(); waiter && waiter->waits) {
    leave(*waiter);
    answer(waiter->exchange);
  }
}

void SlotsHub::changed() {
  if (edges() != told_edges_) {
    flush();
  } else if (!gather_) {
    gather_ = loop_.call_after(kGather, [this] { flush(); });
  }
}

void SlotsHub::flush() {
  gather_.cancel();
  told_version_ = table_.version();
  told_edges_ = edges();
  std::vector<std::shared_ptr<Waiter>> due;
  for (const auto& waiter : waiters_) {
    if (waiter->after < told_version_) {
      due.push_back(waiter);
    }
  }
  for (const auto& waiter : due) {
    release(waiter);
  }
}

}  // namespace berth::worker
