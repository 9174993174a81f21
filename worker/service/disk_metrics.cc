#include "worker/service/disk_metrics.h"

#include <chrono>
#include <system_error>

namespace berth::worker {
namespace {

constexpr Duration kEvery = std::chrono::seconds(15);

}  // namespace

DiskMetrics::DiskMetrics(EventLoop& loop, Metrics& metrics, const Volumes& volumes) : loop_(loop) {
  for (const auto& [name, folder] : volumes) {
    const MetricLabels labels = {{"volume", name}};
    rooms_.push_back({folder,
                      metrics.gauge("berth_worker_disk_size_bytes",
                                    "Size of the file system of a worker's volume.", labels),
                      metrics.gauge("berth_worker_disk_free_bytes",
                                    "What is free there for the worker.", labels)});
  }
  look();
}

void DiskMetrics::look() {
  for (Room& room : rooms_) {
    std::error_code unknown;
    const auto space = std::filesystem::space(room.folder, unknown);
    if (!unknown) {
      room.size.set(static_cast<double>(space.capacity));
      room.free.set(static_cast<double>(space.available));
    }
  }
  next_ = loop_.call_after(kEvery, [this] { look(); });
}

}  // namespace berth::worker
