#include "cli/settings/kube_session.h"

#include "berth/http/cpprest_transport.h"
#include "cli/dev/dev_context.h"

namespace berth::cli {

Result<std::unique_ptr<KubeSession>> KubeSession::open(const Flags& flags) {
  std::string kubeconfig = flags.kubeconfig;
  if (kubeconfig.empty()) {
    if (const Result<DevContext> dev = read_dev_context(flags.dev_name)) {
      kubeconfig = dev->kubeconfig;
    }
  }
  BERTH_ASSIGN(kube::Config config, kube::load_config(kubeconfig));
  const std::string ns = flags.ns.empty() ? config.default_namespace : flags.ns;
  http::init_cpprest_threads(2);
  return std::unique_ptr<KubeSession>(new KubeSession(std::move(config), ns));
}

KubeSession::KubeSession(kube::Config config, std::string ns) : ns_(std::move(ns)) {
  transport_ = http::make_cpprest_transport(loop_, [config] { return kube::tls_settings(config); });
  client_ = std::make_unique<kube::Client>(loop_, *transport_, std::move(config), Log(), metrics_);
}

KubeSession::~KubeSession() = default;

Result<Json> KubeSession::wait(
    const std::function<Cancel(kube::Client&, kube::Client::ObjectFn)>& start) {
  Result<Json> answer = fail(Error::internal("no answer"));
  const Cancel call = start(*client_, [&](Result<Json> r) {
    answer = std::move(r);
    loop_.stop();
  });
  loop_.run();
  return answer;
}

}  // namespace berth::cli
