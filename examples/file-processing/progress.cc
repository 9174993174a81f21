#include "examples/file-processing/progress.h"

#include <unistd.h>

#include <condition_variable>
#include <cstdio>
#include <mutex>

namespace file_processing {
namespace {

using berth::Json;
using namespace std::chrono_literals;

std::int64_t number(const Json& object, std::initializer_list<std::string_view> path) {
  const Json* v = berth::find_path(object, path);
  return v != nullptr && v->is_number_integer() ? v->get<std::int64_t>() : 0;
}

// Waits for `delay` or the stop, whichever comes first.
void pause(const std::stop_token& stop, std::chrono::milliseconds delay) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_for(lock, stop, delay, [] { return false; });
}

std::string bar(std::size_t done, std::size_t all) {
  constexpr std::size_t kWidth = 40;
  const std::size_t full = all == 0 ? 0 : done * kWidth / all;
  return std::string(full, '#') + std::string(kWidth - full, '.');
}

}  // namespace

std::optional<PoolView> look_at(const berth::client::Client& client, const std::string& pool) {
  const auto answer = client.get("/v1/pools").get();
  const Json* pools = answer ? berth::find(*answer, "pools") : nullptr;
  if (pools == nullptr || !pools->is_array()) {
    return std::nullopt;
  }
  for (const Json& p : *pools) {
    if (berth::get_string(p, "name") == pool) {
      return PoolView{number(p, {"workers", "total"}), number(p, {"slots", "capacity"}),
                      number(p, {"slots", "used"}), number(p, {"slots", "free"}),
                      number(p, {"waiting"})};
    }
  }
  return std::nullopt;
}

Progress::Progress(const berth::client::Client& client, std::string pool,
                   std::function<Tally()> tally)
    : client_(client),
      pool_(std::move(pool)),
      tally_(std::move(tally)),
      terminal_(::isatty(STDOUT_FILENO) != 0),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

Progress::~Progress() {
  stop();
}

void Progress::stop() {
  if (thread_.joinable()) {
    thread_.request_stop();
    thread_.join();
  }
}

void Progress::run(const std::stop_token& stop) {
  for (bool last = false; !last; pause(stop, terminal_ ? 100ms : 500ms)) {
    last = stop.stop_requested();
    if (const auto pool = look_at(client_, pool_)) {
      peak_workers_ = std::max(peak_workers_.load(), pool->workers);
      show(tally_(), *pool, last);
    }
  }
}

void Progress::show(const Tally& t, const PoolView& p, bool last) {
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
  if (!terminal_) {
    char line[200];
    std::snprintf(
        line, sizeof line,
        "files %zu/%zu  sessions open %zu  waiting %zu  workers %lld  slots free %lld/%lld", t.done,
        t.files, t.open, t.opening, static_cast<long long>(p.workers),
        static_cast<long long>(p.free), static_cast<long long>(p.slots));
    if (last || last_line_ != line) {
      std::printf("%6.1fs  %s\n", seconds, line);
      last_line_ = line;
    }
  } else {
    if (drawn_ > 0) {
      std::printf("\x1b[%dA", drawn_);
    }
    std::printf("\x1b[2K  files     [%s] %zu/%zu\n", bar(t.done, t.files).c_str(), t.done, t.files);
    std::printf("\x1b[2K  sessions  %zu open, %zu waiting for a slot\n", t.open, t.opening);
    std::printf("\x1b[2K  workers   %lld, with %lld of %lld slots free\n",
                static_cast<long long>(p.workers), static_cast<long long>(p.free),
                static_cast<long long>(p.slots));
    drawn_ = 3;
  }
  std::fflush(stdout);
}

bool Progress::watch_until_empty(std::chrono::seconds limit) {
  const auto end = std::chrono::steady_clock::now() + limit;
  std::int64_t last = -1;
  while (std::chrono::steady_clock::now() < end) {
    const auto pool = look_at(client_, pool_);
    if (pool && pool->workers != last) {
      last = pool->workers;
      std::printf("  %lld worker%s left\n", static_cast<long long>(last), last == 1 ? "" : "s");
      std::fflush(stdout);
    }
    if (pool && pool->workers == 0) {
      return true;
    }
    pause({}, 200ms);
  }
  return false;
}

}  // namespace file_processing
