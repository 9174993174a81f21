#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "berth/base/error.h"
#include "cli/settings/flags.h"

namespace berth::cli {

/// The user's own kubectl with the user's own kubeconfig: whatever credentials, exec plugins and
/// proxies work there work here. Each call waits for its end.
class Kubectl {
 public:
  /// From $PATH. The error says what to do without.
  static Result<Kubectl> find(const Flags& flags);

  /// What `kubectl ARGS` prints. `doing` ("getting a token") begins the error's text; what kubectl
  /// wrote is in it, and for a refusal the way out.
  Result<std::string> run(const std::vector<std::string>& args, const std::string& doing) const;
  /// Namespace of the kubeconfig's context.
  Result<std::string> context_namespace() const;
  /// A token of a service account for the gateway, good for an hour.
  Result<std::string> create_token(const std::string& ns, const std::string& account) const;

  const std::filesystem::path& program() const { return program_; }
  /// --kubeconfig and --context, where given.
  const std::vector<std::string>& global_args() const { return global_args_; }

 private:
  std::filesystem::path program_;
  std::vector<std::string> global_args_;
};

/// The error for what kubectl wrote to stderr: its code from the API server's reason (Forbidden,
/// NotFound, Unauthorized), its text with the way out where we know one.
Error kubectl_error(const std::string& doing, const std::string& written);

}  // namespace berth::cli
