#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <future>
#include <sstream>

#include "berth/auth/session_token.h"
#include "berth/base/file.h"
#include "berth/base/open_files.h"
#include "tests/integration/system/stack.h"

/// What happens to the others when one of the programs, or one of its callers, misbehaves.
namespace berth::system_test {
namespace {

using namespace std::chrono_literals;
using client::create_session;
using client::execute_activity;
using ::testing::HasSubstr;

constexpr const char* kSessionsOfP = "/v1/namespaces/default/pools/p/sessions";

int port_of(const std::string& url) {
  return std::stoi(url.substr(url.rfind(':') + 1));
}

UniqueFd connect_to(int port) {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<std::uint16_t>(port));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
  return fd;
}

std::string http_request(const std::string& method, const std::string& target,
                         const std::string& token, const std::string& body = "") {
  return method + " " + target +
         " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nAuthorization: Bearer " + token +
         "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

/// Head and body of the answer, from a server that need not be the stack's gateway.
std::string get(int port, const std::string& target, const std::string& token) {
  const UniqueFd fd = connect_to(port);
  const std::string request = http_request("GET", target, token);
  EXPECT_EQ(::send(fd.get(), request.data(), request.size(), 0),
            static_cast<ssize_t>(request.size()));
  std::string answer;
  std::array<char, 4096> buffer{};
  for (ssize_t n = 1; n > 0;) {
    n = ::recv(fd.get(), buffer.data(), buffer.size(), 0);
    answer.append(buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
  }
  return answer;
}

/// Whether bytes wait at a socket of this address for a program that does not read them.
bool unread_at(const std::string& ip, int port) {
  std::array<char, 16> address{};
  std::snprintf(address.data(), address.size(), "%08X:%04X", ::inet_addr(ip.c_str()),
                static_cast<unsigned>(port));
  std::ifstream table("/proc/net/tcp");
  std::string line;
  while (std::getline(table, line)) {
    std::istringstream fields(line);
    std::string number;
    std::string local;
    std::string remote;
    std::string state;
    std::string queues;
    fields >> number >> local >> remote >> state >> queues;
    if (state == "01" && local == address.data() &&
        std::stoul(queues.substr(queues.find(':') + 1), nullptr, 16) > 0) {
      return true;
    }
  }
  return false;
}

class Faults : public ::testing::Test {
 protected:
  pid_t pid_of(const std::string& program) const {
    return find_process(program, {stack_.dir().string()});
  }
  /// Lets time pass that the test is about.
  void let_pass(Duration time) {
    const auto end = std::chrono::steady_clock::now() + time;
    stack_.await([&] { return std::chrono::steady_clock::now() > end; });
  }
  std::unique_ptr<TestProcess> session_run(const std::string& heartbeat_timeout,
                                           const std::vector<std::string>& command) {
    std::vector<std::string> argv = {BERTH_BINARY,
                                     "--gateway",
                                     stack_.gateway(),
                                     "--token-file",
                                     stack_.token_file(),
                                     "session",
                                     "run",
                                     "--pool",
                                     "p",
                                     "--heartbeat-timeout",
                                     heartbeat_timeout,
                                     "--"};
    argv.insert(argv.end(), command.begin(), command.end());
    return std::make_unique<TestProcess>(
        argv, std::vector<std::string>{"XDG_STATE_HOME=" + stack_.dir().string()},
        stack_.dir() / ("run-" + std::to_string(++runs_)));
  }

  Stack stack_;
  int runs_ = 0;
};

TEST_F(Faults, ThousandsOfIdleConnectionsAtTheGatewayHoldNobodyUp) {
  // Started with the soft limit that container runtimes give.
  rlimit usual{};
  ::getrlimit(RLIMIT_NOFILE, &usual);
  rlimit few = usual;
  few.rlim_cur = 1024;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  stack_.start_gateway();
  ::setrlimit(RLIMIT_NOFILE, &usual);
  raise_open_file_limit();
  stack_.start_operator();
  stack_.add_pool("p", Stack::quick_pool(1, 2));
  std::vector<UniqueFd> idle;
  for (int i = 0; i < 3000; ++i) {
    idle.push_back(connect_to(port_of(stack_.gateway())));
  }
  const auto run = session_run("20s", {"echo", "served"});
  ASSERT_TRUE(run->wait(20s));
  EXPECT_EQ(run->status(), 0) << run->output();
  EXPECT_THAT(run->output(), HasSubstr("served"));
}

TEST_F(Faults, AGatewayStoppedForLongerThanALeaseEndsNoSessionAndServesWhoWaits) {
  stack_.start_gateway();
  stack_.start_operator();
  stack_.add_pool("p", Stack::quick_pool(1, 1));
  client::Client client(stack_.client_options("p"));
  client::SessionOptions short_lease;
  short_lease.heartbeat_timeout = 1s;
  const auto holder = create_session(client.context(), short_lease).get();
  ASSERT_TRUE(holder) << holder.error().text();
  const auto waits = create_session(client.context(), {});
  ASSERT_TRUE(stack_.await([&] { return stack_.waiting("p") == 1; }));
  const pid_t gateway = pid_of("berth-gateway");
  ASSERT_GT(gateway, 0);
  ASSERT_EQ(::kill(gateway, SIGSTOP), 0);
  let_pass(2500ms);
  const auto meanwhile = execute_activity(*holder, "exec", {{"argv", {"true"}}}).get();
  EXPECT_TRUE(meanwhile) << meanwhile.error().text();
  EXPECT_TRUE(complete_session(*holder).get());
  ASSERT_EQ(::kill(gateway, SIGCONT), 0);
  const auto served = waits.get();
  ASSERT_TRUE(served) << served.error().text();
  EXPECT_TRUE(execute_activity(*served, "exec", {{"argv", {"true"}}}).get());
  EXPECT_TRUE(stack_.await([&] { return stack_.used_slots("p") == 1; }));
}

TEST_F(Faults, AClientStoppedForLongerThanItsLeaseLosesItsSessionAndIsToldSo) {
  stack_.start_gateway();
  stack_.start_operator();
  stack_.add_pool("p", Stack::quick_pool(1, 1));
  const auto sleeping = [&] { return find_process("sleep", {stack_.dir().string()}) > 0; };
  const auto stopped = session_run("1s", {"sleep", "600"});
  ASSERT_TRUE(stack_.await(sleeping)) << stopped->output();
  stopped->signal(SIGSTOP);
  // The one slot goes to somebody else, and the command has ended by then.
  const auto next = session_run("20s", {"sh", "-c", "echo mine"});
  ASSERT_TRUE(next->wait(20s));
  EXPECT_EQ(next->status(), 0) << next->output();
  EXPECT_FALSE(sleeping());
  stopped->signal(SIGCONT);
  ASSERT_TRUE(stopped->wait(20s));
  EXPECT_EQ(stopped->status(), 125) << stopped->output();
  // By the worker's word, or by its own clock if that was quicker.
  EXPECT_THAT(stopped->output(), ::testing::AnyOf(HasSubstr("LeaseExpired"),
                                                  HasSubstr("no renewal was answered for 1s")));
}

TEST_F(Faults, ACallerGoneWithItsCreateOnTheWayIsServedByAnotherGatewayAtOnce) {
  stack_.start_gateway();
  TestProcess other(
      {BERTH_GATEWAY_BINARY, "--dev", "--listen", "127.0.0.1:0", "--probe-listen", "127.0.0.1:0",
       "--token-file", stack_.token_file(), "--signing-key", stack_.dir() / "gateway.jwk", "--jwks",
       stack_.dir() / "jwks.json", "--kubeconfig", stack_.kubeconfig(), "--port-file",
       stack_.dir() / "other.ports"},
      {}, stack_.dir() / "other.log");
  ASSERT_TRUE(stack_.await([&] { return std::filesystem::exists(stack_.dir() / "other.ports"); }))
      << other.output();
  const Json ports = *parse_json(*read_file(stack_.dir() / "other.ports"));
  const int other_port = port_of(string_at(ports, {"listen"}));
  stack_.start_operator();
  Json spec = Stack::quick_pool(1, 2);
  spec["scaling"]["minWorkers"] = 1;
  stack_.add_pool("p", spec);
  // Both gateways have heard of the worker's slots.
  ASSERT_TRUE(stack_.await([&] {
    return stack_.http("GET", "/v1/pools").text.find("\"free\":2") != std::string::npos &&
           get(other_port, "/v1/pools", stack_.token()).find("\"free\":2") != std::string::npos;
  })) << other.output();
  const pid_t worker = pid_of("berth-worker");
  ASSERT_GT(worker, 0);
  const std::string ip = string_at(stack_.pods().at(0), {"status", "podIP"});
  const std::string token(43, 'k');
  const std::string body = dump_json(
      {{"id", "mine"}, {"tokenHash", auth::sha256_hex(token)}, {"creationTimeout", "20s"}});

  ASSERT_EQ(::kill(worker, SIGSTOP), 0);
  {
    const UniqueFd caller = connect_to(other_port);
    const std::string request = http_request("POST", kSessionsOfP, stack_.token(), body);
    ASSERT_EQ(::send(caller.get(), request.data(), request.size(), 0),
              static_cast<ssize_t>(request.size()));
    ASSERT_TRUE(stack_.await([&] { return unread_at(ip, 7600); })) << other.output();
  }
  auto again = std::async(std::launch::async,
                          [&] { return stack_.http("POST", kSessionsOfP, stack_.token(), body); });
  ASSERT_EQ(::kill(worker, SIGCONT), 0);
  const Stack::Answer opened = again.get();
  ASSERT_TRUE(opened.status == 201 || opened.status == 200) << opened.text;
  // The first gateway gives back what it had asked for: the session that is in use stays.
  EXPECT_TRUE(stack_.await([&] {
    return other.output().find("giving its session back") != std::string::npos;
  })) << other.output();
  const std::string path = "/v1/namespaces/default/pools/p/workers/" +
                           string_at(opened.body, {"worker", "name"}) + "/sessions/mine";
  EXPECT_EQ(stack_.http("POST", path + "/heartbeat", token).status, 200);
  EXPECT_TRUE(stack_.await([&] { return stack_.used_slots("p") == 1; }));
  EXPECT_EQ(string_at(stack_.http("GET", path, token).body, {"state"}), "Open");
}

TEST_F(Faults, APortInUseIsToldWithItsFlag) {
  stack_.start_gateway();
  const std::string taken = stack_.gateway().substr(std::string("http://").size());
  const auto outcome = [&](std::vector<std::string> argv) {
    argv.insert(argv.end(), {"--kubeconfig", stack_.kubeconfig()});
    TestProcess process(argv, {}, stack_.dir() / ("port-" + std::to_string(++runs_)));
    EXPECT_TRUE(process.wait(20s));
    EXPECT_EQ(process.status(), 1);
    EXPECT_THAT(process.output(), HasSubstr(taken + ": another program uses this port"));
    return process.output();
  };
  const std::vector<std::string> gateway = {BERTH_GATEWAY_BINARY,
                                            "--dev",
                                            "--token-file",
                                            stack_.token_file(),
                                            "--jwks",
                                            stack_.dir() / "jwks.json",
                                            "--signing-key",
                                            stack_.dir() / "gateway.jwk"};
  auto argv = gateway;
  argv.insert(argv.end(), {"--listen", taken, "--probe-listen", "127.0.0.1:0"});
  EXPECT_THAT(outcome(argv), HasSubstr(" --listen: "));
  argv = gateway;
  argv.insert(argv.end(), {"--listen", "127.0.0.1:0", "--probe-listen", taken});
  EXPECT_THAT(outcome(argv), HasSubstr("--probe-listen"));
  EXPECT_THAT(
      outcome({BERTH_OPERATOR_BINARY, "--gateway", stack_.gateway(), "--signing-key",
               stack_.dir() / "operator.jwk", "--keys-config-map", "x", "--probe-listen", taken}),
      HasSubstr("--probe-listen"));
  EXPECT_EQ(stack_.http("GET", "/v1/pools").status, 200);
}

}  // namespace
}  // namespace berth::system_test
