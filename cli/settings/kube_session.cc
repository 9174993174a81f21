#include "cli/settings/kube_session.h"

#include <cstdlib>
#include <functional>

#include "berth/base/event_loop.h"
#include "berth/http/cpprest_transport.h"
#include "cli/dev/dev_context.h"
#include "cli/kubectl/kubectl.h"

namespace berth::cli {
namespace {

// Only of the object itself: where the kind is unknown, or the namespace, the API server says more.
Error in_our_words(Error error, const kube::ResourceType& type, const std::string& ns,
                   const std::string& name) {
  if (error.code != ErrorCode::kNotFound ||
      error.message.find("\"" + name + "\" not found") == std::string::npos) {
    return error;
  }
  const std::string whole = (ns.empty() ? "" : ns + "/") + name;
  if (type.plural == kube::kSessionPools.plural) {
    return Error::make(ErrorCode::kNotFound, "PoolNotFound",
                       "there is no pool " + whole + "; see `berth pool list`");
  }
  if (type.plural == kube::kPods.plural) {
    return Error::make(ErrorCode::kNotFound, "WorkerNotFound",
                       "there is no worker " + whole + "; `berth top` names them");
  }
  return error;
}

class Direct final : public KubeSession {
 public:
  Direct(kube::Config config, std::string ns) : KubeSession(std::move(ns)) {
    http::init_cpprest_threads(2);
    transport_ =
        http::make_cpprest_transport(loop_, [config] { return kube::tls_settings(config); });
    client_ =
        std::make_unique<kube::Client>(loop_, *transport_, std::move(config), Log(), metrics_);
  }

  Result<Json> do_get(const kube::ResourceType& type, const std::string& name) override {
    return wait([&](auto fn) { return client_->get(type, ns(), name, std::move(fn)); });
  }
  using KubeSession::list;
  Result<Json> list(const kube::ResourceType& type, const std::string& label_selector,
                    const std::string& field_selector) override {
    kube::ListOptions options;
    options.label_selector = label_selector;
    options.field_selector = field_selector;
    Json items = Json::array();
    for (;;) {
      BERTH_ASSIGN(Json page, wait([&](auto fn) {
                     return client_->list(type, ns(), options, std::move(fn));
                   }));
      if (const Json* more = find(page, "items"); more != nullptr && more->is_array()) {
        items.insert(items.end(), more->begin(), more->end());
      }
      options.continue_token = string_at(page, {"metadata", "continue"});
      if (options.continue_token.empty()) {
        page["items"] = std::move(items);
        return page;
      }
    }
  }
  Result<Json> do_merge_patch(const kube::ResourceType& type, const std::string& name,
                              const Json& patch) override {
    return wait(
        [&](auto fn) { return client_->merge_patch(type, ns(), name, patch, "", std::move(fn)); });
  }

 private:
  // Runs the loop until the call has answered.
  Result<Json> wait(const std::function<Cancel(kube::Client::ObjectFn)>& start) {
    Result<Json> answer = fail(Error::internal("no answer"));
    const Cancel call = start([&](Result<Json> r) {
      answer = std::move(r);
      loop_.stop();
    });
    loop_.run();
    return answer;
  }

  AsioLoop loop_;
  Metrics metrics_;
  std::unique_ptr<http::Transport> transport_;
  std::unique_ptr<kube::Client> client_;
};

class ThroughKubectl final : public KubeSession {
 public:
  /// `why`: how it came to this, for errors; may be empty.
  ThroughKubectl(Kubectl kubectl, std::string ns, std::string why)
      : KubeSession(std::move(ns)), kubectl_(std::move(kubectl)), why_(std::move(why)) {}

  Result<Json> do_get(const kube::ResourceType& type, const std::string& name) override {
    return run({"get", kind_of(type), name}, "reading " + name);
  }
  using KubeSession::list;
  Result<Json> list(const kube::ResourceType& type, const std::string& label_selector,
                    const std::string& field_selector) override {
    std::vector<std::string> args = {"get", kind_of(type), "--selector=" + label_selector};
    if (!field_selector.empty()) {
      args.push_back("--field-selector=" + field_selector);
    }
    return run(std::move(args), "listing " + std::string(type.plural));
  }
  Result<Json> do_merge_patch(const kube::ResourceType& type, const std::string& name,
                              const Json& patch) override {
    return run({"patch", kind_of(type), name, "--type=merge", "--patch=" + dump_json(patch)},
               "changing " + name);
  }

 private:
  static std::string kind_of(const kube::ResourceType& type) {
    return std::string(type.plural) + (type.group.empty() ? "" : "." + std::string(type.group));
  }
  Result<Json> run(std::vector<std::string> args, const std::string& doing) {
    args.insert(args.end(), {"--output=json"});
    if (!ns().empty()) {
      args.push_back("--namespace=" + ns());
    }
    BERTH_ASSIGN(const std::string text, kubectl_.run(args, doing).map_error([&](Error e) {
      e.message.insert(0, why_);
      return e;
    }));
    return parse_json(text);
  }

  Kubectl kubectl_;
  const std::string why_;
};

}  // namespace

Result<Json> KubeSession::get(const kube::ResourceType& type, const std::string& name) {
  return do_get(type, name).map_error([&](Error e) {
    return in_our_words(std::move(e), type, ns_, name);
  });
}

Result<Json> KubeSession::merge_patch(const kube::ResourceType& type, const std::string& name,
                                      const Json& patch) {
  return do_merge_patch(type, name, patch).map_error([&](Error e) {
    return in_our_words(std::move(e), type, ns_, name);
  });
}

Result<std::unique_ptr<KubeSession>> KubeSession::open(const Flags& flags) {
  std::string kubeconfig = flags.kubeconfig;
  std::string why;
  if (kubeconfig.empty() && flags.context.empty()) {
    if (const Result<DevContext> dev = read_dev_context(flags.dev_name)) {
      kubeconfig = dev->kubeconfig;
    } else {
      why = no_dev_runs(flags.dev_name) + ", and ";
    }
  }
  const char* const ns_env = std::getenv("BERTH_NAMESPACE");  // NOLINT(concurrency-mt-unsafe)
  const std::string ns = !flags.ns.empty() || ns_env == nullptr ? flags.ns : ns_env;
  auto config = kube::load_config(kubeconfig, flags.context);
  if (config) {
    const std::string config_ns = config->default_namespace;
    return std::make_unique<Direct>(*std::move(config), ns.empty() ? config_ns : ns);
  }
  auto kubectl = Kubectl::find(flags);
  if (!kubectl) {
    return fail(config.error());
  }
  return std::make_unique<ThroughKubectl>(*std::move(kubectl), ns, std::move(why));
}

}  // namespace berth::cli
