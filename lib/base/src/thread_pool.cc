#include "berth/base/thread_pool.h"

#include <system_error>
#include <utility>

namespace berth {

ThreadPool::ThreadPool(std::size_t max_threads, std::size_t max_queued)
    : max_threads_(max_threads), max_queued_(max_queued) {}

ThreadPool::~ThreadPool() {
  std::deque<std::function<void()>> dropped;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    dropped.swap(queue_);
  }
  wake_.notify_all();
  dropped.clear();
  for (std::thread& t : threads_) {
    t.join();
  }
}

bool ThreadPool::try_run(std::function<void()> job) {
  const std::lock_guard lock(mutex_);
  if (outstanding_ >= max_threads_ + max_queued_) {
    return false;
  }
  if (outstanding_ >= threads_.size() && threads_.size() < max_threads_) {
    try {
      threads_.emplace_back([this] { work(); });
    } catch (const std::system_error&) {
      if (threads_.empty()) {
        return false;
      }
    }
  }
  ++outstanding_;
  queue_.push_back(std::move(job));
  wake_.notify_one();
  return true;
}

void ThreadPool::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (stopping_) {
      return;
    }
    std::function<void()> job = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    job();
    job = nullptr;
    lock.lock();
    --outstanding_;
  }
}

}  // namespace berth
