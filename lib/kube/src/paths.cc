#include "lib/kube/src/paths.h"

#include "berth/kube/client.h"

namespace berth::kube {

std::string collection_path(const ResourceType& type, std::string_view ns) {
  std::string path = type.group.empty() ? "/api/" : "/apis/" + std::string(type.group) + "/";
  path += type.version;
  if (!ns.empty()) {
    path += "/namespaces/" + http::percent_encode(ns);
  }
  return path + "/" + std::string(type.plural);
}

std::string object_path(const ResourceType& type, std::string_view ns, std::string_view name,
                        std::string_view subresource) {
  std::string path = collection_path(type, ns) + "/" + http::percent_encode(name);
  if (!subresource.empty()) {
    path += "/" + http::percent_encode(subresource);
  }
  return path;
}

Status check_segment(std::string_view text, std::string_view field) {
  if (text.empty()) {
    return fail(Error::invalid(std::string(field), "must not be empty"));
  }
  if (text.size() > 253) {
    return fail(Error::invalid(std::string(field), "is longer than 253 characters"));
  }
  if (text == "." || text == ".." || text.find_first_of("/%") != std::string_view::npos) {
    return fail(Error::invalid(std::string(field),
                               "must be no path: '/', '%', \".\" and \"..\" "
                               "cannot be in an object's name"));
  }
  return {};
}

}  // namespace berth::kube
