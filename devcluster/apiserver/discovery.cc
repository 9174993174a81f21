#include "devcluster/apiserver/discovery.h"

#include <set>
#include <vector>

#include "devcluster/apiserver/resource_type.h"

namespace berth::devcluster {

namespace {

Json version_info() {
  // kubectl warns when the minor version is more than one away from its own; 32 is between Debian's
  // and today's.
  return {{"major", "1"},    {"minor", "32"},           {"gitVersion", "v1.32.0+berth-dev"},
          {"gitCommit", ""}, {"gitTreeState", "clean"}, {"buildDate", "1970-01-01T00:00:00Z"},
          {"goVersion", ""}, {"compiler", "c++"},       {"platform", "linux"}};
}

Json group_entry(std::string_view group) {
  Json versions = Json::array();
  std::set<std::string> seen;
  for (const ResourceType& t : all_types()) {
    if (t.group == group && seen.insert(std::string(t.version)).second) {
      versions.push_back({{"groupVersion", t.api_version()}, {"version", t.version}});
    }
  }
  return {{"name", group}, {"versions", versions}, {"preferredVersion", versions.front()}};
}

Json groups() {
  Json list = Json::array();
  std::set<std::string> seen;
  for (const ResourceType& t : all_types()) {
    if (!t.group.empty() && seen.insert(std::string(t.group)).second) {
      list.push_back(group_entry(t.group));
    }
  }
  return {{"kind", "APIGroupList"}, {"apiVersion", "v1"}, {"groups", std::move(list)}};
}

Json entry(const ResourceType& t, std::string_view subresource) {
  Json e = {{"name", std::string(t.plural) + std::string(subresource)},
            {"singularName", subresource.empty() ? t.singular : ""},
            {"namespaced", t.namespaced},
            {"kind", t.kind},
            {"verbs", {"get", "patch", "update"}}};
  if (subresource.empty()) {
    e["verbs"] = {"create", "delete", "deletecollection", "get",
                  "list",   "patch",  "update",           "watch"};
    if (!t.short_name.empty()) {
      e["shortNames"] = {t.short_name};
    }
    if (t.kind == "Pod") {
      e["categories"] = {"all"};
    }
  }
  return e;
}

Json resources(std::string_view group, std::string_view version) {
  Json list = Json::array();
  std::string group_version;
  for (const ResourceType& t : all_types()) {
    if (t.group != group || t.version != version) {
      continue;
    }
    group_version = t.api_version();
    list.push_back(entry(t, ""));
    if (t.status) {
      list.push_back(entry(t, "/status"));
    }
    if (t.scale) {
      Json scale = entry(t, "/scale");
      scale["group"] = "autoscaling";
      scale["version"] = "v1";
      scale["kind"] = "Scale";
      list.push_back(std::move(scale));
    }
    if (t.kind == "Pod") {
      Json log = entry(t, "/log");
      log["verbs"] = {"get"};
      list.push_back(std::move(log));
    }
  }
  return {{"kind", "APIResourceList"},
          {"apiVersion", "v1"},
          {"groupVersion", group_version},
          {"resources", std::move(list)}};
}

bool group_exists(std::string_view group, std::string_view version) {
  for (const ResourceType& t : all_types()) {
    if (t.group == group && (version.empty() || t.version == version)) {
      return true;
    }
  }
  return false;
}

std::string group_path(const ResourceType& t) {
  return (t.group.empty() ? "api/" : "apis/") + t.api_version();
}

Json openapi_index() {
  Json paths = Json::object();
  for (const ResourceType& t : all_types()) {
    paths[group_path(t)] = {{"serverRelativeURL", "/openapi/v3/" + group_path(t)}};
  }
  return {{"paths", std::move(paths)}};
}

/// kubectl looks for the fieldValidation parameter of PATCH, and then sends objects unchecked.
std::optional<Json> openapi_group(std::string_view path) {
  Json paths = Json::object();
  for (const ResourceType& t : all_types()) {
    if (group_path(t) != path) {
      continue;
    }
    const Json gvk = {{"group", t.group}, {"version", t.version}, {"kind", t.kind}};
    const Json parameter = {
        {"name", "fieldValidation"}, {"in", "query"}, {"schema", {{"type", "string"}}}};
    const std::string at = "/" + group_path(t) + (t.namespaced ? "/namespaces/{namespace}/" : "/") +
                           std::string(t.plural) + "/{name}";
    paths[at] = {{"patch",
                  {{"x-kubernetes-action", "patch"},
                   {"x-kubernetes-group-version-kind", gvk},
                   {"parameters", Json::array({parameter})}}}};
  }
  if (paths.empty()) {
    return std::nullopt;
  }
  return Json{{"openapi", "3.0.0"},
              {"info", {{"title", "berth dev"}, {"version", "v1"}}},
              {"paths", std::move(paths)},
              {"components", {{"schemas", Json::object()}}}};
}

}  // namespace

std::optional<Json> discovery(std::string_view path) {
  if (path == "/version") {
    return version_info();
  }
  if (path == "/api") {
    return Json{{"kind", "APIVersions"},
                {"versions", {"v1"}},
                {"serverAddressByClientCIDRs", Json::array()}};
  }
  if (path == "/apis") {
    return groups();
  }
  if (path == "/api/v1") {
    return resources("", "v1");
  }
  if (path == "/openapi/v3") {
    return openapi_index();
  }
  constexpr std::string_view kOpenApi = "/openapi/v3/";
  if (path.starts_with(kOpenApi)) {
    return openapi_group(path.substr(kOpenApi.size()));
  }
  constexpr std::string_view kApis = "/apis/";
  if (!path.starts_with(kApis)) {
    return std::nullopt;
  }
  const std::string_view rest = path.substr(kApis.size());
  const std::size_t slash = rest.find('/');
  const std::string_view group = rest.substr(0, slash);
  const std::string_view version = slash == std::string_view::npos ? "" : rest.substr(slash + 1);
  if (group.empty() || !group_exists(group, version)) {
    return std::nullopt;
  }
  if (!version.empty()) {
    return resources(group, version);
  }
  Json one = group_entry(group);
  one["kind"] = "APIGroup";
  one["apiVersion"] = "v1";
  return one;
}

}  // namespace berth::devcluster
