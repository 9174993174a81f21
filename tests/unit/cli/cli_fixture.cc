#include "tests/unit/cli/cli_fixture.h"

#include <stdlib.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "cli/dev/dev_context.h"

namespace berth::cli {

namespace fs = std::filesystem;

CliTest::CliTest() {
  std::string name = ::testing::TempDir() + "berth-cli-XXXXXX";
  dir_ = ::mkdtemp(name.data());
  fs::create_directories(dir_ / "bin");
  set("XDG_STATE_HOME", dir_ / "state");
  set("HOME", dir_ / "home");
  set("PATH", (dir_ / "bin").string() + ":/usr/bin:/bin");
  set("TEST_DIR", dir_);
  for (const char* variable : {"BERTH_GATEWAY", "BERTH_TOKEN", "BERTH_TOKEN_FILE",
                               "BERTH_NAMESPACE", "KUBECONFIG", "KUBERNETES_SERVICE_HOST"}) {
    unset(variable);
  }
}

CliTest::~CliTest() {
  for (const auto& [name, value] : before_) {
    if (value) {
      ::setenv(name.c_str(), value->c_str(), 1);
    } else {
      ::unsetenv(name.c_str());
    }
  }
  fs::remove_all(dir_);
}

void CliTest::remember(const std::string& name) {
  const char* value = ::getenv(name.c_str());
  before_.emplace(name, value == nullptr ? std::nullopt : std::optional<std::string>(value));
}

void CliTest::set(const std::string& name, const std::string& value) {
  remember(name);
  ::setenv(name.c_str(), value.c_str(), 1);
}

void CliTest::unset(const std::string& name) {
  remember(name);
  ::unsetenv(name.c_str());
}

void CliTest::install(const std::string& name, const std::string& script) {
  const fs::path file = dir_ / "bin" / name;
  std::ofstream(file) << "#!/bin/sh\n" << script << "\n";
  fs::permissions(file, fs::perms::owner_all);
}

std::string CliTest::write(const std::string& name, const std::string& text) const {
  std::ofstream(dir_ / name) << text;
  return dir_ / name;
}

std::string CliTest::read(const std::string& name) const {
  std::ostringstream text;
  text << std::ifstream(dir_ / name).rdbuf();
  return text.str();
}

void CliTest::pretend_dev(const std::string& name) {
  const std::string token = write("dev-token", "dev-secret\n");
  ASSERT_TRUE(write_dev_context(
      name, {"http://127.0.0.1:7070", token, dir_ / "dev-kubeconfig", static_cast<int>(getpid())}));
}

}  // namespace berth::cli
