#include "tests/integration/worker/worker_under_test.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <fstream>

namespace berth::worker {
namespace fs = std::filesystem;

WorkerUnderTest::WorkerUnderTest(std::string program, const std::string& yaml)
    : program_(std::move(program)), transport_(http::make_beast_transport(loop_)) {
  std::string name = (fs::temp_directory_path() / "berth-worker-XXXXXX").string();
  directory_ = ::mkdtemp(name.data());
  std::ofstream(directory_ / "worker.yaml") << yaml;
  options = {{"--config", (directory_ / "worker.yaml").string()},
             {"--listen", "127.0.0.1:0"},
             {"--probe-listen", "127.0.0.1:0"},
             {"--state-dir", (directory_ / "state").string()},
             {"--session-dir", (directory_ / "sessions").string()},
             {"--port-file", (directory_ / "ports").string()},
             {"--log-format", "json"}};
}

WorkerUnderTest::~WorkerUnderTest() {
  if (pid_ > 0) {
    kill();
  }
  fs::remove_all(directory_);
}

bool WorkerUnderTest::start() {
  std::vector<std::string> args = wrapper;
  args.push_back(program_);
  for (const auto& [name, value] : options) {
    args.push_back(name + "=" + value);
  }
  args.insert(args.end(), flags.begin(), flags.end());
  std::vector<char*> argv;
  for (std::string& a : args) {
    argv.push_back(a.data());
  }
  argv.push_back(nullptr);
  std::array<int, 2> pipe{};
  EXPECT_EQ(::pipe2(pipe.data(), O_CLOEXEC), 0);
  fs::remove(directory_ / "ports");
  pid_ = ::fork();
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::dup2(pipe[1], 1);
    ::dup2(pipe[1], 2);
    if (max_file_bytes != 0) {
      const rlimit limit{max_file_bytes, max_file_bytes};
      ::setrlimit(RLIMIT_FSIZE, &limit);
    }
    ::execvp(argv[0], argv.data());
    ::_exit(127);
  }
  ::close(pipe[1]);
  out_.reset(pipe[0]);
  output_.clear();
  if (!read_until("worker serves")) {
    wait();
    return false;
  }
  // The file comes a moment after the line; its writer renames it into place and prints nothing
  // more.
  for (;;) {
    const auto text = read_file(directory_ / "ports");
    if (text) {
      const auto ports = parse_json(*text);
      port_ = static_cast<std::uint16_t>(get_int(*ports, "port").value_or(0));
      probe_port_ = static_cast<std::uint16_t>(get_int(*ports, "probePort").value_or(0));
      return true;
    }
    ::sched_yield();
  }
}

bool WorkerUnderTest::read_until(const std::string& text) {
  std::array<char, 4096> buffer{};
  while (text.empty() || output_.find(text) == std::string::npos) {
    const ssize_t n = ::read(out_.get(), buffer.data(), buffer.size());
    if (n <= 0) {
      return false;
    }
    output_.append(buffer.data(), static_cast<std::size_t>(n));
  }
  return true;
}

int WorkerUnderTest::wait() {
  if (pid_ > 0) {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    exit_status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    // Children of a killed worker may hold the pipe open, so only what is there is read.
    ::fcntl(out_.get(), F_SETFL, O_NONBLOCK);
    read_until("");
  }
  return exit_status_;
}

void WorkerUnderTest::signal(int signal) const {
  ::kill(pid_, signal);
}

WorkerUnderTest::Answer WorkerUnderTest::send(std::uint16_t port, http::Request request) {
  Answer out;
  http::CallOptions call_options;
  call_options.deadline = std::chrono::seconds(40);
  const Cancel pending =
      transport_->send("http://127.0.0.1:" + std::to_string(port), std::move(request), call_options,
                       [&](Result<http::Response> response) {
                         if (response) {
                           out.status = response->status;
                           out.content_type = std::string(response->headers.get("Content-Type"));
                           out.text = response->body;
                           out.body = parse_json(out.text).value_or(Json());
                         } else {
                           out.text = response.error().text();
                         }
                         loop_.stop();
                       });
  loop_.run();
  return out;
}

WorkerUnderTest::Answer WorkerUnderTest::call(const std::string& method, const std::string& target,
                                              const std::string& token, const std::string& body) {
  http::Request request;
  request.method = method;
  request.target = target;
  request.body = body;
  if (!token.empty()) {
    request.headers.add("Authorization", "Bearer " + token);
  }
  return send(port_, std::move(request));
}

WorkerUnderTest::Answer WorkerUnderTest::probe(const std::string& target) {
  http::Request request;
  request.method = "GET";
  request.target = target;
  return send(probe_port_, std::move(request));
}

std::string WorkerUnderTest::open(const std::string& id, Json more) {
  more["id"] = id;
  return get_string(call("POST", "/v1/sessions", "", dump_json(more)).body, "token").value_or("");
}

WorkerUnderTest::Answer WorkerUnderTest::run(const std::string& session, const std::string& token,
                                             const std::string& activity, const Json& ask) {
  Json body = ask;
  body["activityId"] = activity;
  const std::string path = "/v1/sessions/" + session + "/activities";
  const Answer started = call("POST", path, token, dump_json(body));
  return started.status >= 300 ? started : call("GET", path + "/" + activity + "?wait=25", token);
}

}  // namespace berth::worker
