#pragma once

namespace berth::observe {

/// What /proc tells about this process. A number that cannot be read is 0.
struct ProcessStats {
  double resident_bytes = 0;
  double virtual_bytes = 0;
  double cpu_seconds = 0;         ///< User and system.
  double start_time_seconds = 0;  ///< Unix time.
  double threads = 0;
  double open_fds = 0;
  double max_fds = 0;
};
ProcessStats read_process_stats();

}  // namespace berth::observe
