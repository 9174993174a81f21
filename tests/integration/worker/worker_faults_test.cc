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

TEST_F(WorkerFaultsTest, CommandsThatPrintAGigabyteHarmNobodyElse) {
  ASSERT_TRUE(worker_.start()) << worker_.output();
  const std::string loud = worker_.open("loud");
  const std::string quiet = worker_.open("quiet");
  const long before = peak();
  worker_.call("POST", "/v1/sessions/loud/activities", loud,
               R"({"activityId": "out", "type": "flood"})");
  worker_.call("POST", "/v1/sessions/loud/activities", loud,
               R"({"activityId": "err", "type": "exec",
                   "input": {"argv": ["sh", "-c", "head -c 200000000 /dev/zero >&2"]}})");
  worker_.call("POST", "/v1/sessions/loud/activities", loud,
               R"({"activityId": "unread", "type": "exec",
                   "input": {"argv": ["head", "-c", "1000000000", "/dev/zero"], "stream": true}})");
  expect_works("quiet", quiet);
  const auto out = worker_.call("GET", "/v1/sessions/loud/activities/out?wait=25", loud);
  EXPECT_EQ(out.body["failure"]["type"], "OutputTooLarge") << out.text;
  const auto err = worker_.call("GET", "/v1/sessions/loud/activities/err?wait=25", loud);
  EXPECT_EQ(err.body["state"], "Succeeded") << err.text;
  EXPECT_EQ(worker_.call("GET", "/v1/sessions/loud/activities/unread", loud).body["state"],
            "Running");
  expect_works("quiet", quiet);
  EXPECT_LT(peak() - before, 48);
}

TEST_F(WorkerFaultsTest, AStateDirectoryThatCannotBeWrittenAnyMoreEndsNoSession) {
  ASSERT_TRUE(worker_.start()) << worker_.output();
  const std::string going = worker_.open("going");
  const std::string ending = worker_.open("ending");
  const rlimit none{0, RLIM_INFINITY};
  const rlimit all{RLIM_INFINITY, RLIM_INFINITY};
  ASSERT_EQ(::prlimit(worker_.pid(), RLIMIT_FSIZE, &none, nullptr), 0);

  const auto refused = worker_.call("POST", "/v1/sessions", "", R"({"id": "new"})");
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(code(refused), "JournalUnavailable");
  EXPECT_THAT(refused.text, HasSubstr("state"));
  const auto unstarted = worker_.run("going", going, "a", shell("true"));
  EXPECT_EQ(unstarted.status, 503) << unstarted.text;
  EXPECT_EQ(worker_.call("POST", "/v1/retire").status, 409) << "it has sessions";
  EXPECT_EQ(worker_.call("POST", "/v1/sessions/going/heartbeat", going).status, 200);
  EXPECT_EQ(worker_.call("GET", "/v1/sessions/going", going).body["state"], "Open");
  EXPECT_EQ(worker_.call("DELETE", "/v1/sessions/ending", ending).body["state"], "Ended");
  EXPECT_EQ(worker_.call("GET", "/v1/slots").body["sessions"], 1);

  ASSERT_EQ(::prlimit(worker_.pid(), RLIMIT_FSIZE, &all, nullptr), 0);
  EXPECT_FALSE(worker_.open("new").empty());
  expect_works("going", going);
  // Also what ended meanwhile was written down.
  worker_.kill();
  ASSERT_TRUE(worker_.start()) << worker_.output();
  expect_works("going", going);
  EXPECT_EQ(worker_.call("GET", "/v1/sessions/ending", ending).body["state"], "Ended");
}

TEST_F(WorkerFaultsTest, AReadOnlyDirectoryAtTheStartIsNamedAndItsSessionsAreKept) {
  if (std::system("unshare --map-root-user --mount true") != 0) {
    GTEST_SKIP() << "this machine lets nobody mount anything (unshare failed)";
  }
  ASSERT_TRUE(worker_.start()) << worker_.output();
  const std::string token = worker_.open("s1");
  worker_.kill();
  for (const char* name : {"state", "sessions"}) {
    const std::string directory = (worker_.directory() / name).string();
    worker_.wrapper = {"unshare",
                       "--map-root-user",
                       "--mount",
                       "sh",
                       "-c",
                       "mount --bind \"$0\" \"$0\" && mount -o remount,bind,ro \"$0\" && "
                       "exec \"$@\"",
                       directory};
    EXPECT_FALSE(worker_.start()) << name;
    EXPECT_EQ(worker_.exit_status(), 1);
    EXPECT_THAT(worker_.output(), HasSubstr(directory));
    EXPECT_THAT(worker_.output(), HasSubstr("Read-only file system"));
  }
  worker_.wrapper.clear();
  ASSERT_TRUE(worker_.start()) << worker_.output();
  expect_works("s1", token);
}

TEST_F(WorkerFaultsTest, AJournalOfANewerVersionIsKeptAsideAndTheWorkerStartsRetired) {
  ASSERT_TRUE(worker_.start()) << worker_.output();
  worker_.open("s1");
  worker_.kill();
  const fs::path journal = worker_.directory() / "state" / "journal";
  std::string newer = *read_file(journal);
  newer[8] = 9;  // The version, with the CRC-32 of the head made to fit.
  std::uint32_t crc = 0xffffffff;
  for (int i = 0; i < 12; ++i) {
    crc ^= static_cast<std::uint8_t>(newer[static_cast<std::size_t>(i)]);
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc >> 1) ^ (0xedb88320u & (0u - (crc & 1)));
    }
  }
  for (std::size_t i = 0; i < 4; ++i) {
    newer[12 + i] = static_cast<char>(~crc >> (8 * i));
  }
  std::ofstream(journal, std::ios::binary) << newer;
  ASSERT_TRUE(worker_.start()) << worker_.output();
  EXPECT_THAT(worker_.output(), HasSubstr("NewerJournal"));
  EXPECT_EQ(worker_.call("GET", "/v1/slots").body["state"], "Retired");
  EXPECT_EQ(code(worker_.call("POST", "/v1/sessions", "", R"({"id": "s2"})")), "Retired");
  EXPECT_EQ(*read_file(worker_.directory() / "state" / "journal.unreadable-1"), newer);
}

TEST_F(WorkerFaultsTest, TextThatIsNotUtf8IsRefusedAndNeverSentOn) {
  ASSERT_TRUE(worker_.start()) << worker_.output();
  const std::string token = worker_.open("s1");
  const std::string s1 = "/v1/sessions/s1";
  const std::vector<std::tuple<std::string, std::string, std::string>> bad = {
      {"POST", "/v1/sessions", "{\"id\": \"a\xff\"}"},
      {"POST", "/v1/sessions", "{\"id\": \"a\", \"resources\": {\"g\xff\": 1}}"},
      {"POST", "/v1/sessions", "{\"id\": \"a\", \"heartbeatTimeout\": \"\xc0\xafs\"}"},
      {"POST", "/v1/sessions", "{\"id\": \"a\", \"\xed\xa0\x80\": 1}"},
      {"POST", "/v1/cordon", "{\"epoch\": \"\xff\"}"},
      {"POST", s1 + "/activities", "{\"activityId\": \"\xff\", \"type\": \"exec\"}"},
      {"POST", s1 + "/activities", "{\"activityId\": \"a\", \"type\": \"e\xff\"}"},
      {"POST", s1 + "/activities",
       "{\"activityId\": \"a\", \"type\": \"exec\", \"input\": {\"argv\": [\"\xff\"]}}"},
      {"GET", "/v1/sessions/s1%ff", ""},
      {"DELETE", s1 + "?keepFor=%ff", ""},
      {"GET", s1 + "/activities/a%ff", ""},
      {"GET", s1 + "/activities/a%ff/output", ""},
      {"GET", s1 + "/files/no%ff", ""},
      {"GET", "/v1/slots?wait=%ff", ""},
  };
  for (const auto& [method, target, body] : bad) {
    const auto answer = worker_.call(method, target, token, body);
    EXPECT_THAT(answer.status, ::testing::AnyOf(400, 404)) << method << " " << target << body;
    EXPECT_FALSE(code(answer).empty()) << answer.text;
    EXPECT_TRUE(is_utf8(answer.text)) << target;
  }
  // File names are bytes, and whatever prints is not asked for its encoding.
  EXPECT_EQ(worker_.call("PUT", s1 + "/files/n%ffm", token, "x").status, 201);
  EXPECT_EQ(worker_.call("GET", s1 + "/files/n%ffm", token).text, "x");
  const auto listing = worker_.call("GET", s1 + "/files/", token);
  EXPECT_TRUE(is_utf8(listing.text) && listing.body.is_object()) << listing.text;
  const auto ran = worker_.run("s1", token, "a", shell("printf '\\377'; printf '\\377' >&2"));
  EXPECT_EQ(ran.body["stdoutBase64"], "/w==") << ran.text;
  EXPECT_EQ(ran.body["stderrTail"], "\xef\xbf\xbd") << ran.text;
  expect_works("s1", token);
}

}  // namespace
}  // namespace berth::worker
