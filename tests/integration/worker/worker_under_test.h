#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "berth/base/event_loop.h"
#include "berth/base/file.h"
#include "berth/base/json.h"
#include "berth/http/transport.h"

namespace berth::worker {

/// A real worker process on ports of its own and in a directory of its own.
class WorkerUnderTest {
 public:
  /// `program` is the binary; `yaml` its worker.yaml.
  WorkerUnderTest(std::string program, const std::string& yaml);
  /// Kills it and removes its directory.
  ~WorkerUnderTest();

  std::vector<std::string> flags = {"--insecure-no-control-auth"};
  std::map<std::string, std::string> options;  ///< "--listen" and the like; the usual ones are set.
  std::uint64_t max_file_bytes = 0;            ///< RLIMIT_FSIZE of the process; 0: none.
  std::vector<std::string> wrapper;            ///< What executes it: argv in front of its own.

  /// Starts it and waits until it serves. False if it exits first; then exit_status() and output()
  /// tell.
  bool start();
  /// Waits until it has exited: the status, or 128 + signal.
  int wait();
  void signal(int signal) const;
  void kill() {
    this->signal(9);
    wait();
  }
  int exit_status() const { return exit_status_; }
  /// What it has printed so far, up to what start() or wait() saw.
  const std::string& output() const { return output_; }
  const std::filesystem::path& directory() const { return directory_; }
  std::uint16_t port() const { return port_; }
  pid_t pid() const { return pid_; }

  struct Answer {
    int status = 0;  ///< 0: no answer.
    std::string text;
    Json body;
    std::string content_type;
  };
  Answer call(const std::string& method, const std::string& target, const std::string& token = "",
              const std::string& body = "");
  Answer probe(const std::string& target);
  /// Opens a session and returns the token that the worker made; empty if refused.
  std::string open(const std::string& id, Json more = Json::object());
  Answer run(const std::string& session, const std::string& token, const std::string& activity,
             const Json& ask);

 private:
  Answer send(std::uint16_t port, http::Request request);
  bool read_until(const std::string& text);

  std::string program_;
  std::filesystem::path directory_;
  AsioLoop loop_;
  std::unique_ptr<http::Transport> transport_;
  pid_t pid_ = -1;
  UniqueFd out_;
  std::string output_;
  int exit_status_ = -1;
  std::uint16_t port_ = 0;
  std::uint16_t probe_port_ = 0;
};

}  // namespace berth::worker
