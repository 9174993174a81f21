#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <cstdlib>
#include <fstream>

#include "berth/base/open_files.h"
#include "berth/base/utf8.h"
#include "tests/integration/worker/worker_under_test.h"

/// What a client, a command or the machine can do to a worker process, seen by its other clients.
namespace berth::worker {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr const char* kThreeSessions = R"(
sessions: {maxPerWorker: 3}
exec: true
activities:
- name: flood
  command: [head, -c, "1000000000", /dev/zero]
)";

/// Connected, and silent from then on.
class SilentClients {
 public:
  SilentClients(int count, std::uint16_t port) {
    for (int i = 0; i < count; ++i) {
      clients_.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      sockaddr_in to{};
      to.sin_family = AF_INET;
      to.sin_port = htons(port);
      to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      EXPECT_EQ(::connect(clients_.back().get(), reinterpret_cast<sockaddr*>(&to), sizeof to), 0)
          << i;
    }
  }

 private:
  std::vector<UniqueFd> clients_;
};

class WorkerFaultsTest : public ::testing::Test {
 protected:
  static Json shell(const std::string& script) {
    return {{"type", "exec"}, {"input", {{"argv", {"sh", "-c", script}}}}};
  }
  /// That session `id` works: renewed, files in and out, a command.
  void expect_works(const std::string& id, const std::string& token) {
    const std::string path = "/v1/sessions/" + id;
    EXPECT_EQ(worker_.call("POST", path + "/heartbeat", token).status, 200);
    EXPECT_LT(worker_.call("PUT", path + "/files/in", token, "bytes").status, 300);
    const auto ran = worker_.run(id, token, "a" + std::to_string(++runs_), shell("cat in"));
    EXPECT_EQ(ran.body.value("stdoutBase64", ""), "Ynl0ZXM=") << ran.text;
  }
  /// Peak of its memory so far, in MiB.
  long peak() const {
    const std::string status = *read_file("/proc/" + std::to_string(worker_.pid()) + "/status");
    return std::stol(status.substr(status.find("VmHWM:") + 6)) >> 10;
  }
  static std::string code(const WorkerUnderTest::Answer& a) {
    return get_string(a.body, "code").value_or("");
  }

  WorkerUnderTest worker_{BERTH_WORKER_BINARY, kThreeSessions};
  int runs_ = 0;
};

TEST_F(WorkerFaultsTest, ThousandsOfIdleConnectionsHoldNobodyUp) {
  raise_open_file_limit();
  // As container runtimes start programs: a small soft limit, and here a hard one that is not much.
  worker_.wrapper = {"sh", "-c", "ulimit -Sn 64 && ulimit -Hn 1024 && exec \"$@\"", "sh"};
  ASSERT_TRUE(worker_.start()) << worker_.output();
  const std::string token = worker_.open("s1");
  const SilentClients silent(2000, worker_.port());
  // Our own connection may have made room for others: a read finds that out.
  EXPECT_EQ(worker_.call("GET", "/v1/slots").status, 200);
  EXPECT_FALSE(worker_.open("s2").empty());
  expect_works("s1", token);
  EXPECT_TRUE(worker_.probe("/metrics").text.find("\nprocess_max_fds 1024\n") != std::string::npos);
}

}  // namespace
}  // namespace berth::worker
