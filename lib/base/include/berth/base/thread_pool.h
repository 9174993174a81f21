#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace berth {

/// A bounded number of threads for work that blocks (disk, functions of an application), so that
/// the event loop never does. Threads start when they are first needed and stay.
///
/// Jobs must not throw. They hand their result back with EventLoop::post(); a job may outlive the
/// object that asked for it, so the posted callback checks for that.
class ThreadPool {
 public:
  /// At most `max_threads` jobs run and `max_queued` wait.
  ThreadPool(std::size_t max_threads, std::size_t max_queued);
  /// Drops the jobs that have not begun and waits for those that have.
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  /// Runs `job` on some thread, in order of asking. False when the queue is full or no thread can
  /// be had: the job was not taken. Thread-safe.
  [[nodiscard]] bool try_run(std::function<void()> job);

 private:
  void work();

  const std::size_t max_threads_;
  const std::size_t max_queued_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;
  std::vector<std::thread> threads_;
  std::size_t outstanding_ = 0;  // Queued and running.
  bool stopping_ = false;
};

}  // namespace berth
