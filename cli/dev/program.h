#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "berth/base/backoff.h"
#include "berth/base/event_loop.h"
#include "berth/base/json.h"
#include "berth/base/random.h"
#include "berth/observe/log.h"
#include "devcluster/node/child_process.h"
#include "devcluster/node/log_file.h"

namespace berth::cli {

/// One of Berth's own programs run beside the cluster: output to a log file, started again with
/// backoff if it ends by itself, its real ports read from the port file that it writes. Started
/// again it listens where it did the first time: others were told that address. Loop thread only.
class Program {
 public:
  /// An address to listen on; port 0 for any.
  struct Listen {
    std::string flag;  ///< "--probe-listen"
    std::string address;
    std::string key;  ///< In the port file: "probe".
  };
  struct Spec {
    std::string name;  ///< "gateway"
    std::filesystem::path path;
    std::vector<std::string> args;  ///< Without argv[0]; `--port-file` is added.
    std::vector<Listen> listen;     ///< Come before `args`.
    std::filesystem::path dir;      ///< For log and port file.
  };
  Program(AsioLoop& loop, Random& random, Log log, Spec spec);
  ~Program();

  /// `ready` runs once, with the port file's content, or with the error when the program ended
  /// before that (then with the last lines it wrote) or took longer than 20 s.
  void start(std::function<void(Result<Json>)> ready);
  /// SIGTERM, after `grace` SIGKILL; then `done`.
  void stop(Duration grace, std::function<void()> done);

 private:
  void launch();
  void look_for_ports();
  void keep_addresses(const Json& ports);
  void ended(devcluster::ExitStatus status);
  void answer(Result<Json> result);
  std::string last_words() const;
  Error start_error(devcluster::ExitStatus status) const;

  AsioLoop& loop_;
  Log log_;
  Spec spec_;
  const std::filesystem::path port_file_;
  devcluster::LogFile output_;
  Backoff backoff_;
  std::unique_ptr<devcluster::ChildProcess> process_;
  std::function<void(Result<Json>)> ready_;
  std::function<void()> stopped_;
  TimePoint started_{};
  bool stopping_ = false;
  Cancel timer_;
  Cancel killer_;
};

}  // namespace berth::cli
