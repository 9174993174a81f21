#include "cli/settings/settings.h"

#include <sys/stat.h>

#include <charconv>
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

Target find_target(const Flags& flags) {
  Target t;
  t.gateway = first(flags.gateway, env("BERTH_GATEWAY"));
  t.why = flags.gateway.empty() ? "BERTH_GATEWAY" : "--gateway";
  t.ns = first(flags.ns, env("BERTH_NAMESPACE"));
  t.kubeconfig = flags.kubeconfig;
  t.ca_file = first(flags.ca_file, env("BERTH_CA_FILE"));
  t.server_name = first(flags.server_name, env("BERTH_SERVER_NAME"));
  t.token_file = flags.token_file;
  t.service_account = flags.service_account;
  if (t.gateway.empty()) {
    const bool cluster_named = !flags.kubeconfig.empty() || !flags.context.empty();
    const Result<DevContext> dev = cluster_named
                                       ? Result<DevContext>(fail(Error::internal("not asked for")))
                                       : read_dev_context(flags.dev_name);
    t.way = dev ? Target::Way::kDev : Target::Way::kKubectl;
    t.why = dev ? "`berth dev`" : "kubectl";
    if (dev) {
      t.gateway = dev->gateway;
      t.kubeconfig = dev->kubeconfig;
      t.token_file = first(t.token_file, dev->token_file);
    }
  }
  // NOLINTNEXTLINE(bugprone-branch-clone): one branch for each source, in their order.
  if (!t.token_file.empty()) {
    t.token = Target::Token::kFile;
  } else if (!t.service_account.empty()) {
    t.token = Target::Token::kServiceAccount;
  } else if (!env("BERTH_TOKEN").empty()) {
    t.token = Target::Token::kEnvironment;
  } else if (t.token_file = env("BERTH_TOKEN_FILE"); !t.token_file.empty()) {
    t.token = Target::Token::kFile;
  } else if (t.way == Target::Way::kKubectl) {
    t.token = Target::Token::kServiceAccount;
    t.service_account = "default";
  }
  if (t.ns.empty() && t.way != Target::Way::kKubectl) {
    t.ns = "default";
  }
  return t;
}

namespace {

Result<PortForward::Spec> forwarding(const Flags& flags, const Kubectl& kubectl) {
  constexpr int kGatewayPort = 7070;
  PortForward::Spec spec{kubectl.program(), kubectl.global_args(), flags.gateway_namespace,
                         flags.gateway_service, kGatewayPort};
  const std::size_t colon = spec.service.find(':');
  if (colon != std::string::npos) {
    const std::string port = spec.service.substr(colon + 1);
    const auto [end, ec] = std::from_chars(port.data(), port.data() + port.size(), spec.port);
    if (ec != std::errc() || end != port.data() + port.size() || spec.port < 1 ||
        spec.port > 65535) {
      return fail(Error::invalid("--gateway-service", "must be NAME or NAME:PORT"));
    }
    spec.service.resize(colon);
  }
  return spec;
}

// Kubectl is what is left when nothing else was found, so what it lacks is told with the rest.
Error explained(Error e, const Flags& flags, const Target& target) {
  if (target.way == Target::Way::kKubectl && flags.kubeconfig.empty() && flags.context.empty()) {
    e.message = no_dev_runs(flags.dev_name) + ", BERTH_GATEWAY is not set, and " + e.message;
  }
  return e;
}

const char* token_file_source(const Flags& flags, const Target& target) {
  return !flags.token_file.empty()         ? "--token-file"
         : target.way == Target::Way::kDev ? "the token of `berth dev`"
                                           : "BERTH_TOKEN_FILE";
}

}  // namespace

Result<Connection> connect(const Flags& flags) {
  const Target target = find_target(flags);
  Connection c;
  c.gateway_ = target.gateway;
  c.ns_ = target.ns;
  c.ca_file_ = target.ca_file;
  c.server_name_ = target.server_name;
  c.direct_ = target.way == Target::Way::kDev;
  if (target.token == Target::Token::kFile) {
    BERTH_ASSIGN(c.token_, read_token(target.token_file).map_error([&](const Error& e) {
      return Error::invalid(token_file_source(flags, target), e.message);
    }));
  } else if (target.token == Target::Token::kEnvironment) {
    c.token_ = env("BERTH_TOKEN");
  }
  const bool forward = target.way == Target::Way::kKubectl;
  c.owns_token_ = target.token == Target::Token::kServiceAccount;
  if (!forward && !c.owns_token_) {
    return c;
  }
  const auto explain = [&](Error e) { return explained(std::move(e), flags, target); };
  BERTH_ASSIGN(const Kubectl kubectl, Kubectl::find(flags).map_error(explain));
  if (c.ns_.empty()) {
    BERTH_ASSIGN(c.ns_, kubectl.context_namespace().map_error(explain));
  }
  Tunnel::Spec spec{kubectl, std::nullopt, std::nullopt};
  std::string service;
  if (forward) {
    BERTH_ASSIGN(spec.forward, forwarding(flags, kubectl));
    service = spec.forward->service;
  }
  if (c.owns_token_) {
    spec.account = {c.ns_, target.service_account};
  }
  BERTH_ASSIGN(c.tunnel_, Tunnel::open(std::move(spec)));
  if (forward) {
    c.gateway_ = c.tunnel_->gateway();
    if (!c.ca_file_.empty()) {
      c.gateway_ = "https" + c.gateway_.substr(c.gateway_.find(':'));
      c.server_name_ = first(c.server_name_, service + "." + flags.gateway_namespace + ".svc");
    }
  }
  return c;
}

client::ClientOptions client_options(const Connection& connection, const std::string& pool) {
  client::ClientOptions options;
  options.gateway = connection.gateway();
  options.ca_file = connection.ca_file();
  options.gateway_server_name = connection.server_name();
  options.token_source = [&connection] { return connection.token(); };
  options.ns = connection.ns();
  options.pool = pool;
  options.direct = connection.direct();
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
