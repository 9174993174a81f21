#include "devcluster/apiserver/api_request.h"

#include <vector>

#include "berth/http/message.h"

namespace berth::devcluster {

namespace {

std::optional<std::vector<std::string>> segments_of(std::string_view path) {
  std::vector<std::string> out;
  while (path.starts_with('/')) {
    path.remove_prefix(1);
    const std::size_t slash = path.find('/');
    auto segment = http::percent_decode(path.substr(0, slash));
    if (!segment || segment->empty() || out.size() == 16) {
      return std::nullopt;
    }
    out.push_back(std::move(*segment));
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash);
  }
  return out;
}

}  // namespace

std::optional<ApiPath> ApiPath::parse(std::string_view path) {
  const auto segments = segments_of(path);
  if (!segments || segments->size() < 3) {
    return std::nullopt;
  }
  const auto& s = *segments;
  const bool core = s[0] == "api";
  if (!core && (s[0] != "apis" || s.size() < 4)) {
    return std::nullopt;
  }
  const std::string group = core ? "" : s[1];
  const std::string version = core ? s[1] : s[2];
  std::size_t at = core ? 2 : 3;
  ApiPath out;
  // /api/v1/namespaces/x and its subresources are about the namespace itself.
  if (s[at] == "namespaces" && s.size() > at + 2 && !(core && s[at + 2] == "status")) {
    out.key.ns = s[at + 1];
    at += 2;
  }
  out.type = find_type(group, version, s[at]);
  if (out.type == nullptr || s.size() > at + 3 || (!out.key.ns.empty() && !out.type->namespaced)) {
    return std::nullopt;
  }
  out.key.name = s.size() > at + 1 ? s[at + 1] : "";
  out.subresource = s.size() > at + 2 ? s[at + 2] : "";
  if (!out.key.name.empty() && out.type->namespaced && out.key.ns.empty()) {
    return std::nullopt;
  }
  const bool known = out.subresource.empty() || (out.subresource == "status" && out.type->status) ||
                     (out.subresource == "scale" && out.type->scale) ||
                     (out.subresource == "log" && out.type->kind == "Pod");
  return known ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace berth::devcluster
