#include "gateway/placement/demand_board.h"

#include <utility>

namespace berth::gateway {
namespace {

constexpr std::size_t kShortLine = 64;

}  // namespace

/// Owned by the handle that wait() returned and by nobody else.
struct DemandBoard::Waiter : std::enable_shared_from_this<DemandBoard::Waiter> {
  Waiter(EventLoop& l, std::shared_ptr<std::size_t> c, std::function<void()> f)
      : loop(l), count(std::move(c)), fn(std::move(f)) {
    ++*count;
  }
  ~Waiter() { --*count; }

  void fire() {
    timer.cancel();
    loop.post([weak = weak_from_this()] {
      const auto self = weak.lock();
      if (self && self->fn) {
        std::exchange(self->fn, nullptr)();
      }
    });
  }

  EventLoop& loop;
  std::shared_ptr<std::size_t> count;
  std::function<void()> fn;
  Cancel timer;
};

DemandBoard::DemandBoard(EventLoop& loop, std::int64_t first_version, Duration coalesce)
    : loop_(loop),
      last_version_(first_version),
      first_version_(first_version),
      coalesce_(coalesce) {}

void DemandBoard::changed(const std::string& pool_key, std::size_t waiting) {
  Pool& pool = pools_[pool_key];
  pool.version = ++last_version_;
  const bool was_empty = std::exchange(pool.empty, waiting == 0);
  // A session that was given a slot must not be counted as waiting and as used for long, or the
  // operator adds a worker for it twice. With a short line that costs little.
  if (was_empty != pool.empty || waiting <= kShortLine) {
    wake(pool);
  } else if (!pool.wake && !pool.waiters.empty()) {
    pool.wake = loop_.call_after(coalesce_, [this, &pool] { wake(pool); });
  }
}

void DemandBoard::wake(Pool& pool) {
  pool.wake.cancel();
  for (auto& [_, weak] : std::exchange(pool.waiters, {})) {
    if (const auto waiter = weak.lock()) {
      waiter->fire();
    }
  }
}

std::int64_t DemandBoard::version(const std::string& pool_key) const {
  const auto it = pools_.find(pool_key);
  return it == pools_.end() || it->second.version == 0 ? first_version_ : it->second.version;
}

Cancel DemandBoard::wait(const std::string& pool_key, std::int64_t after, Duration wait,
                         std::function<void()> fn) {
  auto waiter = std::make_shared<Waiter>(loop_, waiters_, std::move(fn));
  if (version(pool_key) != after) {
    waiter->fire();
  } else {
    waiter->timer = loop_.call_after(wait, [raw = waiter.get()] { raw->fire(); });
    Pool& pool = pools_[pool_key];
    std::erase_if(pool.waiters, [](const auto& w) { return w.second.expired(); });
    pool.waiters.emplace(++last_waiter_, waiter);
  }
  return Cancel([waiter]() mutable { waiter.reset(); });
}

void DemandBoard::forget(const std::string& pool_key) {
  if (const auto it = pools_.find(pool_key); it != pools_.end()) {
    wake(it->second);
    pools_.erase(it);
  }
}

}  // namespace berth::gateway
