#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "berth/base/error.h"
#include "berth/base/json.h"
#include "berth/client/client.h"
#include "cli/kubectl/tunnel.h"
#include "cli/settings/flags.h"

namespace berth::cli {

/// Where `berth` keeps what it must remember between runs: $XDG_STATE_HOME/berth or
/// ~/.local/state/berth. Made with mode 0700.
Result<std::filesystem::path> state_dir();

/// What a command would use, and why; nothing is started or asked for yet.
struct Target {
  enum class Way { kGiven, kDev, kKubectl };
  Way way = Way::kGiven;
  std::string why;          ///< "--gateway", "BERTH_GATEWAY", "`berth dev`", "kubectl".
  std::string gateway;      ///< Empty for kKubectl.
  std::string ca_file;      ///< Empty: the system's authorities.
  std::string server_name;  ///< Of the gateway's certificate; empty: its host.
  enum class Token { kNone, kFile, kEnvironment, kServiceAccount };
  Token token = Token::kNone;
  std::string token_file;
  std::string service_account;
  std::string ns;  ///< Empty: the namespace of the kubeconfig's context.
  std::string kubeconfig;
};

/// TLS: --ca-file, BERTH_CA_FILE, --server-name, BERTH_SERVER_NAME. Through kubectl the gateway is
/// called by https where a CA bundle is given, and is then SERVICE.NAMESPACE.svc.
///
/// The gateway: --gateway, BERTH_GATEWAY; else with --kubeconfig or --context the cluster meant by
/// them; else the running `berth dev`; else kubectl's own cluster. The token: --token-file,
/// BERTH_TOKEN, BERTH_TOKEN_FILE; else, through kubectl or with --as-service-account, one of a
/// service account. The namespace: -n, BERTH_NAMESPACE, else kubectl's or "default".
Target find_target(const Flags& flags);

/// A way to a gateway, ready to be used. What it started ends with it.
class Connection {
 public:
  const std::string& gateway() const { return gateway_; }
  const std::string& ns() const { return ns_; }
  /// The token to show now. Thread-safe.
  std::string token() const { return tunnel_ && owns_token_ ? tunnel_->token() : token_; }
  /// Workers are reached straight, as under `berth dev`; else through the gateway.
  bool direct() const { return direct_; }
  const std::string& ca_file() const { return ca_file_; }
  const std::string& server_name() const { return server_name_; }
  /// Ends what it started.
  void close() { tunnel_.reset(); }

 private:
  friend Result<Connection> connect(const Flags& flags);
  std::string gateway_;
  std::string ca_file_;
  std::string server_name_;
  std::string ns_;
  std::string token_;
  bool direct_ = false;
  bool owns_token_ = false;  ///< The token is the tunnel's.
  std::unique_ptr<Tunnel> tunnel_;
};
/// Follows find_target(). Not before a fork: it may start threads.
Result<Connection> connect(const Flags& flags);

/// `connection` must outlive the client.
client::ClientOptions client_options(const Connection& connection, const std::string& pool);

/// Prints "berth: <error>" to stderr; returns 1, or 2 for kInvalidArgument (a wrong flag or value).
int report(const Error& error);
int report(const client::ClientError& error);

}  // namespace berth::cli
