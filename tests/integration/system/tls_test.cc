#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <map>
#include <mutex>
#include <thread>

#include "berth/base/file.h"
#include "tests/integration/system/stack.h"

/// The real programs with TLS on every way but the one to the API server.
namespace berth::system_test {
namespace {

using namespace std::chrono_literals;
using client::create_session;
using client::execute_activity;
using ::testing::HasSubstr;

client::SessionOptions patient() {
  client::SessionOptions o;
  o.creation_timeout = 60s;
  return o;
}

class Tls : public ::testing::Test {
 protected:
  Tls() {
    stack_.use_tls();
    stack_.start_gateway();
    stack_.start_operator();
    Json spec = Stack::quick_pool(2, 20);
    spec["scaling"]["minWorkers"] = 1;
    spec["worker"]["tls"] = {{"secretName", Stack::kWorkerSecret}};
    stack_.add_pool("p", spec);
  }

  client::ClientOptions options(bool direct) const {
    client::ClientOptions out = stack_.client_options("p");
    out.direct = direct;
    return out;
  }
  /// A session from its first call to its last; empty when all of it went well.
  std::string use_a_session(client::Client& client, const std::filesystem::path& file) {
    const auto session = create_session(client.context(), patient()).get();
    if (!session) {
      return session.error().text();
    }
    if (const auto put = put_file(*session, "in", file).get(); !put) {
      return put.error().text();
    }
    const auto ran = execute_activity(*session, "exec", argv({"cat", "in"})).get();
    if (!ran) {
      return ran.error().text();
    }
    if (ran->output != must_read(file)) {
      return "the output is not the input";
    }
    const auto completed = complete_session(*session).get();
    return completed ? "" : completed.error().text();
  }
  static std::string must_read(const std::filesystem::path& file) {
    return read_file(file).value_or("unreadable");
  }
  double metric(const std::string& text, const std::string& name) const {
    const auto at = text.find("\n" + name + " ");
    return at == std::string::npos ? -1 : std::stod(text.substr(at + name.size() + 2));
  }

  /// Of the workers that serve, by their addresses.
  template <class Fn>
  std::map<std::string, double> reloads_by_worker(Fn&& reloads) {
    std::map<std::string, double> out;
    for (const Json& pod : stack_.pods()) {
      const std::string ip = string_at(pod, {"status", "podIP"});
      if (const double count = reloads(stack_.worker_metrics(ip)); count >= 0) {
        out[ip] = count;
      }
    }
    return out;
  }
  /// What a worker shows to a new caller, PEM.
  std::string certificate_of(const std::string& ip) {
    TestProcess openssl(
        {"/bin/sh", "-c",
         "openssl s_client -connect " + ip + ":" + std::to_string(api::kWorkerPort) +
             " -servername workers.default.berth </dev/null 2>/dev/null | openssl "
             "x509"},
        {}, stack_.dir() / (ip + "-" + std::to_string(++looks_) + ".log"));
    EXPECT_TRUE(openssl.wait(60s));
    return openssl.output();
  }

  Stack stack_;
  int looks_ = 0;
};

TEST_F(Tls, ASessionIsUsedStraightAndThroughTheGateway) {
  const auto file = stack_.dir() / "file";
  std::ofstream(file) << std::string(3 << 20, 'x');
  for (const bool direct : {true, false}) {
    client::Client client(options(direct));
    const auto session = create_session(client.context(), patient()).get();
    ASSERT_TRUE(session) << session.error().text();
    EXPECT_THAT(session_handle(*session)->address, ::testing::StartsWith("https://"));
    ASSERT_TRUE(put_file(*session, "in", file).get());
    const auto ran = execute_activity(*session, "exec", argv({"wc", "-c", "in"})).get();
    ASSERT_TRUE(ran) << ran.error().text();
    EXPECT_THAT(ran->output, HasSubstr(std::to_string(3 << 20)));
    const auto back = stack_.dir() / "back";
    ASSERT_TRUE(get_file(*session, "in", back).get());
    EXPECT_EQ(must_read(back), must_read(file));
    EXPECT_TRUE(complete_session(*session).get());
  }
}

TEST_F(Tls, WhoIsNotTrustedIsRefusedWithTheReason) {
  const auto error = [&](client::ClientOptions options) {
    client::Client client(std::move(options));
    const auto made = client.get("/v1/pools").get();
    EXPECT_FALSE(made);
    return made ? "" : made.error().text();
  };
  client::ClientOptions stranger = options(true);
  stranger.ca_file = (stack_.dir() / "stranger.crt").string();
  EXPECT_THAT(error(stranger), HasSubstr("ca_file"));
  ASSERT_TRUE(write_file_atomic(stranger.ca_file, fakes::CertificateAuthority("stranger").pem()));
  EXPECT_THAT(error(stranger), HasSubstr("not signed by a certificate authority"));
  client::ClientOptions other_name = options(true);
  other_name.gateway_server_name = "other.example";
  EXPECT_THAT(error(other_name), HasSubstr("not for other.example"));
  client::ClientOptions plain = options(true);
  plain.gateway.replace(0, std::string("https").size(), "http");
  EXPECT_THAT(error(plain), HasSubstr("https"));
}

TEST_F(Tls, TheCommandLineAndThePythonClientSpeakItToo) {
  const std::vector<std::string> environment = {
      "BERTH_GATEWAY=" + stack_.gateway(), "BERTH_CA_FILE=" + stack_.ca_file().string(),
      "BERTH_TOKEN=" + stack_.token(), "PYTHONPATH=" BERTH_PYTHON_CLIENT};
  TestProcess shell({BERTH_BINARY, "session", "run", "--pool", "p", "--", "echo", "hello"},
                    environment, stack_.dir() / "run.log");
  ASSERT_TRUE(shell.wait(60s));
  EXPECT_EQ(shell.status(), 0) << shell.output();
  EXPECT_THAT(shell.output(), HasSubstr("hello"));
  TestProcess python({"/usr/bin/env", "python3", "-B", "-c", R"(
import berth
for direct in True, False, None:
    with berth.Client(direct=direct) as client, client.session("p", creation_timeout=60) as s:
        assert s.handle.address.startswith("https://"), s.handle
        s.put_bytes("in", b"x" * 3000000)
        assert s.exec(["wc", "-c", "in"]).output.split()[0] == b"3000000"
        assert s.get_bytes("in") == b"x" * 3000000
        assert (s._worker is None) == (direct is False)
try:
    berth.Client(server_name="other.example").session("p", creation_timeout=1)
except berth.BerthError as e:
    assert "other.example" in str(e), e
else:
    raise AssertionError("a wrong name was taken")
print("all well")
)"},
                     environment, stack_.dir() / "python.log");
  ASSERT_TRUE(python.wait(60s));
  EXPECT_EQ(python.status(), 0) << python.output();
  EXPECT_THAT(python.output(), HasSubstr("all well"));
}

TEST_F(Tls, APoolSaysWhatIsWrongWithItsSecret) {
  const auto degraded = [&](const std::string& pool) {
    const Json object = stack_.object("sessionpools", "default", pool);
    const Json* conditions = find_path(object, {"status", "conditions"});
    for (std::size_t i = 0; conditions != nullptr && i < conditions->size(); ++i) {
      if (get_string((*conditions)[i], "type") == "Degraded") {
        return get_string((*conditions)[i], "reason").value_or("") + ": " +
               get_string((*conditions)[i], "message").value_or("");
      }
    }
    return std::string();
  };
  Json spec = Stack::quick_pool(1, 1);
  spec["workers"] = 1;
  spec["worker"]["tls"] = {{"secretName", "later"}};
  stack_.add_pool("q", spec);
  EXPECT_TRUE(stack_.await([&] {
    return degraded("q").find("CertificateUnusable: q-0: FailedMount: ") == 0;
  })) << degraded("q");
  EXPECT_THAT(degraded("q"), HasSubstr("needs Secret later with tls.crt and tls.key"));
  stack_.add_worker_secret("later");
  EXPECT_TRUE(stack_.await([&] { return degraded("q") == "AllWell: "; })) << degraded("q");
}

TEST_F(Tls, CertificatesRotateUnderLoadWithoutAFailedCall) {
  const auto file = stack_.dir() / "file";
  std::ofstream(file) << std::string(200 << 10, 'x');
  std::atomic<bool> stop{false};
  std::atomic<int> sessions{0};
  std::mutex mutex;
  std::vector<std::string> failures;
  std::vector<std::thread> callers;
  for (int i = 0; i < 8; ++i) {
    callers.emplace_back([&, i] {
      // Half of them connect anew for each session.
      auto client = std::make_unique<client::Client>(options(i % 4 < 2));
      while (!stop) {
        if (i % 2 == 0) {
          client = std::make_unique<client::Client>(options(i % 4 < 2));
        }
        if (const std::string failure = use_a_session(*client, file); !failure.empty()) {
          const std::lock_guard lock(mutex);
          failures.push_back(failure);
        }
        ++sessions;
      }
    });
  }
  const auto reloads = [&](const std::string& text) {
    return metric(text, "berth_tls_certificate_reloads_total{result=\"loaded\"}");
  };
  EXPECT_TRUE(stack_.await([&] { return sessions > 0; })) << "a worker is there to be followed";
  for (int turn = 1; turn <= 2; ++turn) {
    std::map<std::string, double> workers = reloads_by_worker(reloads);
    ASSERT_FALSE(workers.empty());
    stack_.rotate_certificates();
    const int before = sessions;
    const auto all_have_read_theirs = [&] {
      return reloads(stack_.metrics("gateway")) >= turn && sessions >= before + 20 &&
             std::all_of(workers.begin(), workers.end(), [&](const auto& worker) {
               return reloads(stack_.worker_metrics(worker.first)) > worker.second;
             });
    };
    EXPECT_TRUE(stack_.await(all_have_read_theirs, 60s));
    for (const auto& [ip, reloaded] : workers) {
      EXPECT_EQ(certificate_of(ip), stack_.worker_certificate()) << ip;
    }
  }
  stop = true;
  for (std::thread& caller : callers) {
    caller.join();
  }
  EXPECT_THAT(failures, ::testing::IsEmpty());
  EXPECT_GT(sessions, 40);
  EXPECT_EQ(metric(stack_.metrics("gateway"), "berth_tls_handshake_failures_total"), 0);
}

}  // namespace
}  // namespace berth::system_test
