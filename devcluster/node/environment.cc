#include "devcluster/node/environment.h"

#include <algorithm>

namespace berth::devcluster {

namespace {

const std::string* lookup(const Environment& env, std::string_view name) {
  const auto it =
      std::find_if(env.rbegin(), env.rend(), [&](const auto& e) { return e.first == name; });
  return it == env.rend() ? nullptr : &it->second;
}

void set(Environment& env, const std::string& name, std::string value) {
  std::erase_if(env, [&](const auto& e) { return e.first == name; });
  env.emplace_back(name, std::move(value));
}

/// "metadata.annotations['a.b/c']" to {"metadata.annotations", "a.b/c"}.
std::pair<std::string, std::string> split_subscript(const std::string& path) {
  const std::size_t open = path.find("['");
  if (open == std::string::npos || !path.ends_with("']")) {
    return {path, ""};
  }
  return {path.substr(0, open), path.substr(open + 2, path.size() - open - 4)};
}

Result<std::string> field_value(const Json& pod, const std::string& path) {
  const auto [base, key] = split_subscript(path);
  if (base == "metadata.labels" || base == "metadata.annotations") {
    return string_at(pod, {"metadata", std::string_view(base).substr(9), key});
  }
  const std::size_t dot = base.find('.');
  const bool known = base == "metadata.name" || base == "metadata.namespace" ||
                     base == "metadata.uid" || base == "spec.nodeName" ||
                     base == "spec.serviceAccountName" || base == "status.podIP" ||
                     base == "status.hostIP";
  if (!known) {
    return fail(Error::invalid("fieldPath", "\"" + path + "\" is not served by berth dev"));
  }
  return string_at(pod,
                   {std::string_view(base).substr(0, dot), std::string_view(base).substr(dot + 1)});
}

Result<std::string> value_from(const Json& pod, const Json& source, const ConfigFn& config) {
  if (const Json* field = find(source, "fieldRef")) {
    return field_value(pod, get_string(*field, "fieldPath").value_or(""));
  }
  for (const auto& [member, plural] :
       {std::pair{"configMapKeyRef", "configmaps"}, std::pair{"secretKeyRef", "secrets"}}) {
    if (const Json* ref = find(source, member)) {
      auto value = config(plural, get_string(*ref, "name").value_or(""),
                          get_string(*ref, "key").value_or(""));
      return !value && get_bool(*ref, "optional").value_or(false) ? Result<std::string>("") : value;
    }
  }
  return fail(
      Error::invalid("valueFrom", "berth dev serves fieldRef, configMapKeyRef, secretKeyRef"));
}

}  // namespace

std::string expand_references(std::string_view text, const Environment& env) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '$' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    if (text[i + 1] == '$') {
      out += '$';
      ++i;
      continue;
    }
    const std::size_t close = text[i + 1] == '(' ? text.find(')', i) : std::string_view::npos;
    if (close == std::string_view::npos) {
      out += '$';
      continue;
    }
    const std::string_view whole = text.substr(i, close + 1 - i);
    const std::string* value = lookup(env, whole.substr(2, whole.size() - 3));
    out += value == nullptr ? whole : std::string_view(*value);
    i = close;
  }
  return out;
}

Result<Environment> container_environment(const Json& pod, const Json& container, Environment base,
                                          const ConfigFn& config) {
  const Json* list = find(container, "env");
  if (list == nullptr || !list->is_array()) {
    return base;
  }
  for (const Json& entry : *list) {
    const std::string name = get_string(entry, "name").value_or("");
    if (name.empty() || name.find('=') != std::string::npos) {
      return fail(Error::invalid("env", "a variable needs a name without '='"));
    }
    if (const Json* source = find(entry, "valueFrom")) {
      auto value = value_from(pod, *source, config);
      if (!value) {
        return fail(std::move(value).error().wrap("env " + name));
      }
      set(base, name, std::move(*value));
    } else {
      set(base, name, expand_references(get_string(entry, "value").value_or(""), base));
    }
  }
  return base;
}

}  // namespace berth::devcluster
