#include "berth/kube/config.h"

#include <cstdlib>

#include "berth/base/file.h"
#include "lib/kube/src/kubeconfig.h"

namespace berth::kube {
namespace {

namespace fs = std::filesystem;
constexpr const char* kServiceAccount = "/var/run/secrets/kubernetes.io/serviceaccount";

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

Result<std::string> read_kubeconfig(const fs::path& file) {
  return read_file(file, 1u << 20).map_error([](Error e) {
    return std::move(e).wrap("reading the kubeconfig");
  });
}

Result<Config> load_one(const fs::path& file, const std::string& context) {
  BERTH_ASSIGN(const std::string text, read_kubeconfig(file));
  return parse_kubeconfig(text, file, context);
}

// As kubectl: files of the list that do not exist are left out.
Result<Config> load_list(const std::string& list, const std::string& context) {
  Kubeconfig merged;
  bool any = false;
  for (std::size_t at = 0; at <= list.size();) {
    const std::size_t end = std::min(list.find(':', at), list.size());
    const fs::path file = list.substr(at, end - at);
    at = end + 1;
    if (file.empty()) {
      continue;
    }
    const Result<std::string> text = read_kubeconfig(file);
    if (!text && text.error().code == ErrorCode::kNotFound) {
      continue;
    }
    if (!text) {
      return fail(text.error());
    }
    BERTH_TRY(merged.add(*text, file));
    any = true;
  }
  if (!any) {
    return fail(Error::invalid("KUBECONFIG", "none of its files exists: " + list));
  }
  return merged.resolve(context);
}

}  // namespace

Result<Config> parse_kubeconfig(std::string_view yaml, const fs::path& file,
                                const std::string& context) {
  Kubeconfig one;
  BERTH_TRY(one.add(yaml, file));
  return one.resolve(context);
}

http::TlsSettings tls_settings(const Config& config) {
  std::string ca_pem = config.ca_pem;
  if (!config.ca_file.empty()) {
    if (auto fresh = read_file(config.ca_file, 1u << 20); fresh && !fresh->empty()) {
      ca_pem = std::move(*fresh);
    }
  }
  return {std::move(ca_pem), config.client_cert_pem, config.client_key_pem, config.tls_server_name,
          config.insecure_skip_tls_verify};
}

Result<Config> load_config(const fs::path& explicit_path, const std::string& context) {
  if (!explicit_path.empty()) {
    return load_one(explicit_path, context);
  }
  if (const std::string list = environment("KUBECONFIG"); !list.empty()) {
    return load_list(list, context);
  }
  const std::string host = environment("KUBERNETES_SERVICE_HOST");
  const std::string port = environment("KUBERNETES_SERVICE_PORT");
  // A service account knows no contexts: whoever names one means a file.
  if (context.empty() && !host.empty() && !port.empty()) {
    return in_cluster_config(host, port, kServiceAccount);
  }
  const std::string home = environment("HOME");
  const fs::path usual = fs::path(home) / ".kube" / "config";
  std::error_code ignored;
  if (home.empty() || !fs::exists(usual, ignored)) {
    return fail(Error::make(ErrorCode::kNotFound, "NoKubeconfig",
                            "no kubeconfig: name one with --kubeconfig or $KUBECONFIG, or create "
                            "~/.kube/config"));
  }
  return load_one(usual, context);
}

}  // namespace berth::kube
