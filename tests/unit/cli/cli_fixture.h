#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "cli/settings/settings.h"

namespace berth::cli {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

/// A kubeconfig with which only kubectl can log in.
inline constexpr const char* kExecPlugin = R"(apiVersion: v1
kind: Config
current-context: c
contexts: [{name: c, context: {cluster: k, user: u}}]
clusters: [{name: k, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: login}}}]
)";

/// A state directory, a $HOME and a $PATH of the test's own, without any BERTH_ variable.
class CliTest : public ::testing::Test {
 protected:
  CliTest();
  ~CliTest() override;

  void set(const std::string& name, const std::string& value);
  void unset(const std::string& name);
  /// Puts a shell script of that name into $PATH. It finds the test's folder in $TEST_DIR.
  void install(const std::string& name, const std::string& script);
  std::string write(const std::string& name, const std::string& text) const;
  std::string read(const std::string& name) const;
  /// As if a `berth dev` of that name ran, as this very process.
  void pretend_dev(const std::string& name = "dev");

  std::filesystem::path dir_;

 private:
  void remember(const std::string& name);
  std::map<std::string, std::optional<std::string>> before_;
};

}  // namespace berth::cli
