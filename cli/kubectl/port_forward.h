#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "berth/base/backoff.h"
#include "berth/base/event_loop.h"
#include "berth/base/random.h"
#include "devcluster/node/child_process.h"

namespace berth::cli {

/// `kubectl port-forward` to a Service, as a child that ends with us, however we end. When it ends
/// by itself (the pod behind it has gone) it is started again with the same local port, so that the
/// address stays. Loop thread only.
class PortForward {
 public:
  struct Spec {
    std::filesystem::path kubectl;
    std::vector<std::string> global_args;
    std::string ns;
    std::string service;
    int port = 0;  ///< Of the Service.
  };
  /// `trouble` is told, each time, why a forwarding that had worked is started again.
  PortForward(AsioLoop& loop, Random& random, Spec spec,
              std::function<void(const std::string&)> trouble);

  /// `ready` runs once: with the local port, or why there is none within 30 s.
  void start(std::function<void(Result<int>)> ready);

 private:
  void launch();
  void read(std::string_view bytes);
  void ended();
  void answer(Result<int> result);

  AsioLoop& loop_;
  const Spec spec_;
  std::function<void(const std::string&)> trouble_;
  std::function<void(Result<int>)> ready_;
  int local_port_ = 0;
  std::string line_;
  std::string last_words_;
  Backoff backoff_;
  TimePoint started_{};
  std::unique_ptr<devcluster::ChildProcess> process_;
  Cancel timer_;
};

/// The local port in "Forwarding from 127.0.0.1:40001 -> 7070"; nothing for other lines.
std::optional<int> forwarded_port(std::string_view line);

}  // namespace berth::cli
