#include "berth/api/worker_address.h"

#include "berth/api/session_pool.h"

namespace berth::api {

std::uint16_t worker_port(const Json& pod) {
  const Json* containers = find_path(pod, {"spec", "containers"});
  if (containers == nullptr || !containers->is_array()) {
    return kWorkerPort;
  }
  for (const Json& container : *containers) {
    const Json* ports = find(container, "ports");
    if (get_string(container, "name") != kWorkerContainer || ports == nullptr ||
        !ports->is_array()) {
      continue;
    }
    for (const Json& port : *ports) {
      const auto number = get_int(port, "containerPort");
      if (get_string(port, "name") == "sessions" && number && *number > 0 && *number < 65536) {
        return static_cast<std::uint16_t>(*number);
      }
    }
  }
  return kWorkerPort;
}

bool worker_speaks_tls(const Json& pod) {
  return string_at(pod, {"metadata", "annotations", kTlsAnnotation}) == "true";
}

std::string worker_origin(std::string_view ip, std::uint16_t port, bool tls) {
  if (ip.empty()) {
    return "";
  }
  const std::string host(ip);
  const bool v6 = host.find(':') != std::string::npos;
  return (tls ? "https://" : "http://") + (v6 ? "[" + host + "]" : host) + ":" +
         std::to_string(port);
}

std::string worker_origin(std::string_view address) {
  return address.find("://") == std::string_view::npos ? "http://" + std::string(address)
                                                       : std::string(address);
}

std::string worker_server_name(std::string_view ns, bool tls) {
  return tls ? std::string("workers.").append(ns).append(".berth") : std::string();
}

std::string worker_server_name_at(std::string_view origin, std::string_view ns) {
  return worker_server_name(ns, origin.starts_with("https://"));
}

}  // namespace berth::api
