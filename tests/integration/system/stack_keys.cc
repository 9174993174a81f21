#include <cstdlib>
#include <stdexcept>

#include "berth/base/file.h"
#include "berth/kube/object.h"
#include "tests/integration/system/stack.h"

/// What kubelet and endpoints controller do for a gateway whose keys are kept in the cluster.
namespace berth::system_test {

void Stack::keep_keys_in_cluster() {
  on_loop([this] {
    keys_in_cluster_ = true;
    gateway_key_ = dir_ / "mounted-key.json";
    gateway_jwks_ = dir_ / "mounted-jwks.json";
    const auto removed =
        cluster_->store().remove(devcluster::type_of("configmaps"), {"default", "berth-keys"}, {});
    if (!removed) {
      throw std::runtime_error(removed.error().message);
    }
    store("namespaces", "",
          {{"apiVersion", "v1"},
           {"kind", "Namespace"},
           {"metadata", {{"name", kOperatorNamespace}}}});
  });
}

// What a kubelet does for the gateway's pod.
void Stack::follow_keys(const devcluster::WatchEvent& event) {
  if (!keys_in_cluster_ || kube::namespace_of(*event.object) != kOperatorNamespace) {
    return;
  }
  const std::string name = kube::name_of(*event.object);
  Status written;
  if (name == "berth-gateway-key") {
    written = write_file_atomic(gateway_key_, *kube::secret_value(*event.object, "key.json"), 0600);
  } else if (name == "berth-keys") {
    written = write_file_atomic(gateway_jwks_, string_at(*event.object, {"data", "jwks.json"}));
  }
  if (!written) {
    throw std::runtime_error(written.error().text());
  }
}

// What the endpoints controller does for the gateway's Service.
void Stack::publish_gateway() {
  const auto port = static_cast<int>(
      std::strtol(gateway_url_.substr(gateway_url_.rfind(':') + 1).c_str(), nullptr, 10));
  on_loop([&] {
    store("endpointslices", kOperatorNamespace,
          {{"apiVersion", "discovery.k8s.io/v1"},
           {"kind", "EndpointSlice"},
           {"metadata",
            {{"name", "berth-gateway-1"},
             {"namespace", kOperatorNamespace},
             {"labels", {{"kubernetes.io/service-name", "berth-gateway"}}}}},
           {"addressType", "IPv4"},
           {"ports", Json::array({{{"name", "http"}, {"port", port}}})},
           {"endpoints", Json::array({{{"addresses", {"127.0.0.1"}},
                                       {"conditions", {{"ready", true}, {"serving", true}}}}})}});
  });
}

}  // namespace berth::system_test
