#pragma once

#include <filesystem>
#include <string>

#include "berth/base/error.h"
#include "berth/base/json.h"
#include "berth/client/client.h"

namespace berth::cli {

/// Where `berth` keeps what it must remember between runs: $XDG_STATE_HOME/berth or
/// ~/.local/state/berth. Made with mode 0700.
Result<std::filesystem::path> state_dir();

/// What the global flags said; empty: not given.
struct Flags {
  std::string gateway;
  std::string token_file;
  std::string ns;
  std::string kubeconfig;
  std::string dev_name = "dev";  ///< Which `berth dev` to talk to when nothing else is given.
};

/// How to reach a Berth: flags, then BERTH_GATEWAY / BERTH_TOKEN_FILE / BERTH_NAMESPACE, then the
/// running `berth dev`.
struct Connection {
  std::string gateway;
  std::string token;
  std::string ns = "default";
  std::string kubeconfig;
};
Result<Connection> connect(const Flags& flags);

client::ClientOptions client_options(const Connection& connection, const std::string& pool);

/// Prints "berth: <error>" to stderr; returns 1, or 2 for kInvalidArgument (a wrong flag or value).
int report(const Error& error);
int report(const client::ClientError& error);

}  // namespace berth::cli
