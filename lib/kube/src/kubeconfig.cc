#include "lib/kube/src/kubeconfig.h"

#include "berth/api/session_pool.h"
#include "berth/base/file.h"
#include "berth/http/message.h"
#include "lib/kube/src/base64.h"

namespace berth::kube {
namespace {

namespace fs = std::filesystem;

// A member of one entry, with the file and field for messages.
class EntryReader {
 public:
  EntryReader(const Json& value, const fs::path& file, std::string path)
      : value_(value), file_(file), path_(std::move(path)) {}

  Error error(std::string_view key, const std::string& message) const {
    return Error::invalid(path_ + "." + std::string(key), file_.string() + ": " + message);
  }

  Result<std::string> text(std::string_view key) const {
    const Json* v = find(value_, key);
    if (v == nullptr) {
      return "";
    }
    if (!v->is_string()) {
      return fail(error(key, "must be a string"));
    }
    return v->get<std::string>();
  }

  Result<bool> flag(std::string_view key) const {
    const Json* v = find(value_, key);
    if (v != nullptr && !v->is_boolean()) {
      return fail(error(key, "must be true or false"));
    }
    return v != nullptr && v->get<bool>();
  }

  // Relative paths are relative to the file that names them.
  Result<fs::path> path(std::string_view key) const {
    BERTH_ASSIGN(const std::string name, text(key));
    return name.empty() ? fs::path() : file_.parent_path() / name;
  }

  // `key`-data, else the file that `key` names.
  Result<std::string> bytes(const std::string& key) const {
    const std::string data_key = key + "-data";
    BERTH_ASSIGN(const std::string data, text(data_key));
    if (!data.empty()) {
      auto decoded = base64_decode(data);
      if (!decoded) {
        return fail(error(data_key, "is not valid base64"));
      }
      return std::move(*decoded);
    }
    BERTH_ASSIGN(const fs::path from, path(key));
    if (from.empty()) {
      return "";
    }
    return read_file(from, 1u << 20).map_error([&](const Error& e) {
      return error(key, e.message);
    });
  }

  Status refuse(std::string_view key, std::string_view way_out) const {
    if (find(value_, key) == nullptr) {
      return {};
    }
    return fail(error(key, "is not supported; " + std::string(way_out)));
  }

 private:
  const Json& value_;
  const fs::path& file_;
  std::string path_;
};

constexpr std::string_view kUseProxy =
    "run `kubectl proxy` and use a kubeconfig with server: http://127.0.0.1:8001, or put a token "
    "of "
    "a service account into it (`kubectl create token`)";

Status read_cluster(const EntryReader& r, Config& out) {
  BERTH_TRY(r.refuse("proxy-url", kUseProxy));
  BERTH_ASSIGN(out.server, r.text("server"));
  while (!out.server.empty() && out.server.back() == '/') {
    out.server.pop_back();
  }
  if (out.server.empty()) {
    return fail(r.error("server", "is required"));
  }
  const auto url = http::Url::parse(out.server);
  if (!url) {
    return fail(r.error("server", url.error().message));
  }
  if (url->host.find(':') != std::string::npos) {
    return fail(r.error("server",
                        "is an IPv6 literal, which is not supported; give a host name (with "
                        "tls-server-name where the certificate has another), or run `kubectl "
                        "proxy` and use server: http://127.0.0.1:8001"));
  }
  BERTH_ASSIGN(out.ca_pem, r.bytes("certificate-authority"));
  BERTH_ASSIGN(out.tls_server_name, r.text("tls-server-name"));
  BERTH_ASSIGN(out.insecure_skip_tls_verify, r.flag("insecure-skip-tls-verify"));
  if (out.insecure_skip_tls_verify && !out.ca_pem.empty()) {
    return fail(r.error("insecure-skip-tls-verify",
                        "cannot be true beside a certificate authority; remove one of them"));
  }
  return {};
}

Status read_user(const EntryReader& r, Config& out) {
  for (const char* key : {"exec", "auth-provider"}) {
    BERTH_TRY(r.refuse(key, kUseProxy));
  }
  for (const char* key : {"username", "password"}) {
    BERTH_TRY(r.refuse(key, "API servers dropped it; use a token or a client certificate"));
  }
  for (const char* key : {"as", "as-uid", "as-groups", "as-user-extra"}) {
    BERTH_TRY(r.refuse(key, "use a token of the user itself"));
  }
  BERTH_ASSIGN(out.client_cert_pem, r.bytes("client-certificate"));
  BERTH_ASSIGN(out.client_key_pem, r.bytes("client-key"));
  if (out.client_cert_pem.empty() != out.client_key_pem.empty()) {
    return fail(r.error(out.client_cert_pem.empty() ? "client-certificate" : "client-key",
                        "is missing; certificate and key are needed together"));
  }
  BERTH_ASSIGN(out.token, r.text("token"));
  BERTH_ASSIGN(out.token_file, r.path("tokenFile"));
  return {};
}

}  // namespace

Status Kubeconfig::collect(const Json& root, std::string_view list, std::string_view member,
                           const fs::path& file, Entries& out) {
  const Json* entries = find(root, list);
  if (entries == nullptr) {
    return {};
  }
  if (!entries->is_array()) {
    return fail(Error::invalid(std::string(list), file.string() + ": must be a list"));
  }
  for (std::size_t i = 0; i < entries->size(); ++i) {
    const Json& entry = (*entries)[i];
    const std::string at = std::string(list) + "[" + std::to_string(i) + "]";
    const auto name = get_string(entry, "name");
    if (!name) {
      return fail(Error::invalid(at + ".name", file.string() + ": is required"));
    }
    const Json* value = find(entry, member);
    if (value != nullptr && !value->is_object()) {
      return fail(
          Error::invalid(at + "." + std::string(member), file.string() + ": must be an object"));
    }
    out.try_emplace(*name, Entry{value != nullptr ? *value : Json::object(), file});
  }
  return {};
}

Status Kubeconfig::add(std::string_view yaml, const fs::path& file) {
  BERTH_ASSIGN(const Json root, api::yaml_to_json(yaml, file.string()));
  if (!root.is_object()) {
    return fail(Error::invalid("", file.string() + " is no kubeconfig: it holds no object"));
  }
  files_ += (files_.empty() ? "" : ", ") + file.string();
  if (current_context_.empty()) {
    current_context_ = get_string(root, "current-context").value_or("");
  }
  BERTH_TRY(collect(root, "clusters", "cluster", file, clusters_));
  BERTH_TRY(collect(root, "contexts", "context", file, contexts_));
  return collect(root, "users", "user", file, users_);
}

Result<const Kubeconfig::Entry*> Kubeconfig::entry(const Entries& from, std::string_view kind,
                                                   const std::string& name) const {
  if (const auto it = from.find(name); it != from.end()) {
    return &it->second;
  }
  std::string known;
  for (const auto& [key, value] : from) {
    known += (known.empty() ? "" : ", ") + key;
  }
  return fail(Error::invalid(std::string(kind), "\"" + name + "\" is not in " + files_ +
                                                    "; there " +
                                                    (known.empty() ? "is none" : "are: " + known)));
}

Result<Config> Kubeconfig::resolve(const std::string& context) const {
  const std::string& name = context.empty() ? current_context_ : context;
  if (name.empty()) {
    return fail(Error::invalid("current-context",
                               files_ + " sets none; name a context or set one with `kubectl "
                                        "config use-context`"));
  }
  BERTH_ASSIGN(const Entry* chosen, entry(contexts_, "context", name));
  const EntryReader reader(chosen->value, chosen->file, "contexts." + name);
  BERTH_ASSIGN(const std::string cluster, reader.text("cluster"));
  BERTH_ASSIGN(const std::string user, reader.text("user"));
  BERTH_ASSIGN(const std::string ns, reader.text("namespace"));

  Config out;
  if (!ns.empty()) {
    out.default_namespace = ns;
  }
  BERTH_ASSIGN(const Entry* where, entry(clusters_, "contexts." + name + ".cluster", cluster));
  BERTH_TRY(read_cluster(EntryReader(where->value, where->file, "clusters." + cluster), out));
  if (!user.empty()) {
    BERTH_ASSIGN(const Entry* who, entry(users_, "contexts." + name + ".user", user));
    BERTH_TRY(read_user(EntryReader(who->value, who->file, "users." + user), out));
  }
  return out;
}

Result<Config> in_cluster_config(std::string_view host, std::string_view port,
                                 const fs::path& folder) {
  Config out;
  // cpprestsdk reaches no IPv6 literal. The API server's certificate has this name in any cluster.
  const bool v6 = host.find(':') != std::string_view::npos;
  out.server =
      "https://" + (v6 ? "kubernetes.default.svc" : std::string(host)) + ":" + std::string(port);
  if (const auto url = http::Url::parse(out.server); !url) {
    return fail(Error::invalid("KUBERNETES_SERVICE_HOST", url.error().message));
  }
  out.token_file = folder / "token";
  BERTH_TRY(read_file(out.token_file, 64u << 10).map_error([](Error e) {
    return std::move(e).wrap("reading the service account's token");
  }));
  out.ca_file = folder / "ca.crt";
  BERTH_ASSIGN(out.ca_pem, read_file(out.ca_file, 1u << 20).map_error([](Error e) {
    return std::move(e).wrap("reading the service account's certificate authority");
  }));
  if (const auto ns = read_file(folder / "namespace", 4096)) {
    const auto end = ns->find_last_not_of(" \t\r\n");
    if (end != std::string::npos) {
      out.default_namespace = ns->substr(0, end + 1);
    }
  }
  return out;
}

}  // namespace berth::kube
