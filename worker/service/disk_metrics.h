#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "berth/base/event_loop.h"
#include "berth/observe/metrics.h"

namespace berth::worker {

/// Shows how much room the file systems have on which a worker keeps its sessions and its journal;
/// looked at once in 15 s. It is the file system's room: an emptyDir's sizeLimit does not show
/// there. Loop thread only; the loop outlives it.
class DiskMetrics {
 public:
  /// Name of the volume, as the series' label, to a folder on it. A folder that cannot be looked at
  /// keeps its last values.
  using Volumes = std::map<std::string, std::filesystem::path>;

  DiskMetrics(EventLoop& loop, Metrics& metrics, const Volumes& volumes);

 private:
  struct Room {
    std::filesystem::path folder;
    Gauge size;
    Gauge free;
  };
  void look();

  EventLoop& loop_;
  std::vector<Room> rooms_;
  Cancel next_;
};

}  // namespace berth::worker
