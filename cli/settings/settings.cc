#include "cli/settings/settings.h"

#include <sys/stat.h>

#include <cstdlib>
#include <iostream>

#include "berth/base/file.h"
#include "cli/dev/dev_context.h"
#include "cli/text/table.h"

namespace berth::cli {
namespace {

std::string env(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::string first(const std::string& a, const std::string& b) {
  return a.empty() ? b : a;
}

Result<std::string> read_token(const std::filesystem::path& path) {
  BERTH_ASSIGN(std::string token, read_file(path, 16384));
  while (!token.empty() && (token.back() == '\n' || token.back() == ' ' || token.back() == '\r')) {
    token.pop_back();
  }
  return token;
}

}  // namespace

Result<std::filesystem::path> state_dir() {
  std::filesystem::path base = env("XDG_STATE_HOME");
  if (base.empty()) {
    const std::string home = env("HOME");
    if (home.empty()) {
      return fail(Error::invalid("HOME", "is not set; set it or XDG_STATE_HOME"));
    }
    base = std::filesystem::path(home) / ".local" / "state";
  }
  const std::filesystem::path dir = base / "berth";
  std::error_code failure;
  std::filesystem::create_directories(dir, failure);
  if (failure || ::chmod(dir.c_str(), 0700) != 0) {
    return fail(Error::from_errno(failure ? failure.value() : errno, "creating " + dir.string()));
  }
  return dir;
}

Result<Connection> connect(const Flags& flags) {
  Connection c;
  c.gateway = first(flags.gateway, env("BERTH_GATEWAY"));
  c.kubeconfig = flags.kubeconfig;
  const std::string token_file = first(flags.token_file, env("BERTH_TOKEN_FILE"));
  c.ns = first(first(flags.ns, env("BERTH_NAMESPACE")), c.ns);
  if (!c.gateway.empty()) {
    if (!token_file.empty()) {
      BERTH_ASSIGN(c.token, read_token(token_file));
    }
    return c;
  }
  const Result<DevContext> dev = read_dev_context(flags.dev_name);
  if (!dev) {
    return fail(Error::invalid(
        "--gateway", "is not given, BERTH_GATEWAY is not set, and " + dev.error().message));
  }
  c.gateway = dev->gateway;
  c.kubeconfig = first(c.kubeconfig, dev->kubeconfig);
  BERTH_ASSIGN(c.token, read_token(first(token_file, dev->token_file)));
  return c;
}

client::ClientOptions client_options(const Connection& connection, const std::string& pool) {
  client::ClientOptions options;
  options.gateway = connection.gateway;
  options.token = connection.token;
  options.ns = connection.ns;
  options.pool = pool;
  return options;
}

int report(const Error& error) {
  std::cerr << "berth: " << printable(error.text()) << '\n';
  return error.code == ErrorCode::kInvalidArgument ? 2 : 1;
}

int report(const client::ClientError& error) {
  std::cerr << "berth: " << printable(error.text()) << '\n';
  return error.kind == client::ErrorKind::kInvalidArgument ? 2 : 1;
}

}  // namespace berth::cli
