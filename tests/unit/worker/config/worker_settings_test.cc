#include "worker/config/worker_settings.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

namespace berth::worker {
namespace {

class SettingsTest : public ::testing::Test {
 protected:
  SettingsTest() {
    std::string name = (std::filesystem::temp_directory_path() / "berth-settings-XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
    flags_.jwks = "/keys/jwks.json";
  }
  ~SettingsTest() override { std::filesystem::remove_all(directory_); }
  void file(const std::string& yaml) {
    flags_.config_file = (directory_ / "worker.yaml").string();
    std::ofstream(flags_.config_file) << yaml;
  }
  Result<WorkerSettings> load(std::int64_t default_sessions = 0) {
    return load_settings(
        flags_,
        [this](const char* name) {
          const auto it = environment_.find(name);
          return it == environment_.end() ? std::nullopt : std::optional(it->second);
        },
        default_sessions);
  }

  std::filesystem::path directory_;
  WorkerFlags flags_;
  std::map<std::string, std::string> environment_;
};

TEST_F(SettingsTest, ReadsAPersonsFile) {
  file("sessions: {maxPerWorker: 4}\nname: box\nlisten: 127.0.0.1:9000\nstateDir: /s\ngrace: 2m\n");
  const auto s = load();
  ASSERT_TRUE(s) << s.error().text();
  EXPECT_EQ(s->config.sessions.max_per_worker, 4);
  EXPECT_EQ(s->name, "box");
  EXPECT_EQ(s->uid, "box");
  EXPECT_EQ(s->listen, "127.0.0.1:9000");
  EXPECT_EQ(s->advertise_host, "127.0.0.1");
  EXPECT_EQ(s->state_dir, "/s");
  EXPECT_EQ(s->grace, std::chrono::minutes(2));
}

TEST_F(SettingsTest, ReadsWhatTheOperatorPutsIntoAPod) {
  environment_ = {{"BERTH_WORKER_CONFIG", R"({"sessions": {"maxPerWorker": 2}})"},
                  {"BERTH_POD_NAME", "pool-3"},
                  {"BERTH_POD_UID", "u-3"},
                  {"BERTH_POOL", "pool"},
                  {"BERTH_NAMESPACE", "ns"},
                  {"BERTH_ADVERTISE_HOST", "10.1.2.3"},
                  {"BERTH_STATE_DIR", "/state"},
                  {"BERTH_SESSION_DIR", "/sessions"},
                  {"BERTH_JWKS", "/mounted/jwks.json"},
                  {"BERTH_GRACE_SECONDS", "3600"}};
  flags_.jwks.clear();
  const auto s = load();
  ASSERT_TRUE(s) << s.error().text();
  EXPECT_EQ(s->name, "pool-3");
  EXPECT_EQ(s->uid, "u-3");
  EXPECT_EQ(s->pool, "pool");
  EXPECT_EQ(s->ns, "ns");
  EXPECT_EQ(s->advertise_host, "10.1.2.3");
  EXPECT_EQ(s->listen, ":7600");
  EXPECT_EQ(s->session_dir, "/sessions");
  EXPECT_EQ(s->jwks, "/mounted/jwks.json");
  EXPECT_EQ(s->grace, std::chrono::hours(1));
}

TEST_F(SettingsTest, AFlagWinsOverTheEnvironmentAndThatOverTheFile) {
  file("sessions: {maxPerWorker: 4}\nname: from-file\nlisten: 127.0.0.1:1\nstateDir: /file\n");
  environment_ = {
      {"BERTH_POD_NAME", "from-env"}, {"BERTH_STATE_DIR", "/env"}, {"BERTH_LISTEN_HOST", "::1"}};
  flags_.state_dir = "/flag";
  const auto s = load();
  ASSERT_TRUE(s) << s.error().text();
  EXPECT_EQ(s->name, "from-env");
  EXPECT_EQ(s->listen, "[::1]:7600");
  EXPECT_EQ(s->advertise_host, "::1");
  EXPECT_EQ(s->state_dir, "/flag");
}

TEST_F(SettingsTest, AMistakeNamesTheField) {
  file("sessions: {maxPerWorker: 0}\n");
  EXPECT_EQ(load().error().field, "sessions.maxPerWorker");
  file("sessions: {maxPerWorker: 1}\nstateDirectory: /x\n");
  EXPECT_EQ(load().error().field, "stateDirectory");
  file("sessions: {maxPerWorker: 1}\ngrace: soon\n");
  EXPECT_EQ(load().error().field, "grace");
  file("sessions: {maxPerWorker: 1}\n");
  environment_ = {{"BERTH_GRACE_SECONDS", "1h"}};
  EXPECT_EQ(load().error().field, "BERTH_GRACE_SECONDS");
}

TEST_F(SettingsTest, FileAndEnvironmentTogetherAreAmbiguous) {
  file("sessions: {maxPerWorker: 1}\n");
  environment_ = {{"BERTH_WORKER_CONFIG", "{}"}};
  EXPECT_EQ(load().error().field, "--config");
}

TEST_F(SettingsTest, AnEmbeddedWorkerHasADefaultForTheNumberOfSessionsAndAProgramHasNot) {
  EXPECT_FALSE(load(0));
  const auto s = load(10'000);
  ASSERT_TRUE(s) << s.error().text();
  EXPECT_EQ(s->config.sessions.max_per_worker, 10'000);
  file("sessions: {maxPerWorker: 3}\n");
  EXPECT_EQ(load(10'000)->config.sessions.max_per_worker, 3);
}

TEST_F(SettingsTest, WithoutKeysItMustBeSaidAndOnlyOnLoopback) {
  file("sessions: {maxPerWorker: 1}\n");
  flags_.jwks.clear();
  EXPECT_EQ(load().error().field, "jwks");
  flags_.insecure_no_control_auth = true;
  EXPECT_EQ(load().error().field, "--insecure-no-control-auth");
  for (const char* good : {"127.0.0.1:0", "127.8.8.8:1", "localhost:1", "[::1]:1"}) {
    flags_.listen = good;
    EXPECT_TRUE(load()) << good;
  }
  for (const char* bad : {"10.0.0.1:1", ":1", "*:1", "0.0.0.0:1", "127.evil.example:1", "[::]:1"}) {
    flags_.listen = bad;
    EXPECT_FALSE(load()) << bad;
  }
}

TEST_F(SettingsTest, CertificateAndKeyGoTogether) {
  file("sessions: {maxPerWorker: 1}\ntlsCertificate: /from/file.crt\n");
  EXPECT_EQ(load().error().field, "--tls-key, BERTH_TLS_KEY or tlsKey");
  environment_ = {{"BERTH_TLS_KEY", "/mounted/tls.key"}};
  const auto s = load();
  ASSERT_TRUE(s) << s.error().text();
  EXPECT_EQ(s->tls.certificate, "/from/file.crt");
  EXPECT_EQ(s->tls.key, "/mounted/tls.key");
  file("sessions: {maxPerWorker: 1}\n");
  EXPECT_EQ(load().error().field, "--tls-certificate, BERTH_TLS_CERTIFICATE or tlsCertificate");
  flags_.tls.certificate = "/flag.crt";
  EXPECT_EQ(load()->tls.certificate, "/flag.crt");
}

}  // namespace
}  // namespace berth::worker
