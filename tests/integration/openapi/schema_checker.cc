#include "tests/integration/openapi/schema_checker.h"

#include <algorithm>
#include <cmath>
#include <regex>
#include <set>

namespace berth::openapi {
namespace {

constexpr int kMaxReferences = 16;

const std::set<std::string>& known_keywords() {
  static const std::set<std::string> known = {
      // What is checked.
      "$ref", "type", "enum", "pattern", "maxLength", "minimum", "maximum", "required",
      "properties", "additionalProperties", "propertyNames", "maxProperties", "items", "maxItems",
      "oneOf", "allOf",
      // What only tells.
      "description", "examples", "default"};
  return known;
}

bool has_type(const Json& value, const std::string& type) {
  if (type == "integer") {
    return value.is_number_integer() ||
           (value.is_number() && value.get<double>() == std::floor(value.get<double>()));
  }
  return (type == "object" && value.is_object()) || (type == "array" && value.is_array()) ||
         (type == "string" && value.is_string()) || (type == "boolean" && value.is_boolean()) ||
         (type == "number" && value.is_number()) || (type == "null" && value.is_null());
}

bool has_one_of_types(const Json& value, const Json& types) {
  return types.is_array() ? std::any_of(types.begin(), types.end(),
                                        [&](const Json& type) { return has_type(value, type); })
                          : has_type(value, types);
}

std::string shown(const Json& value) {
  return dump_json(value).substr(0, 200);
}

}  // namespace

const Json* SchemaChecker::resolve(const Json& node) const {
  const Json* at = &node;
  for (int i = 0; i < kMaxReferences; ++i) {
    const auto reference = get_string(*at, "$ref");
    if (!reference) {
      return at;
    }
    if (!reference->starts_with("#/")) {
      return nullptr;
    }
    at = &document_;
    std::size_t from = 2;
    while (at != nullptr && from <= reference->size()) {
      const std::size_t end = std::min(reference->find('/', from), reference->size());
      at = find(*at, reference->substr(from, end - from));
      from = end + 1;
    }
    if (at == nullptr) {
      return nullptr;
    }
  }
  return nullptr;
}

std::vector<std::string> SchemaChecker::check(const Json& value, const Json& schema,
                                              const std::string& at) const {
  Problems out;
  check_value(value, schema, at, out);
  return out;
}

void SchemaChecker::check_value(const Json& value, const Json& given, const std::string& at,
                                Problems& out) const {
  const Json* resolved = resolve(given);
  if (resolved == nullptr || !resolved->is_object()) {
    out.push_back(at + ": the schema " + shown(given) + " leads nowhere");
    return;
  }
  const Json& schema = *resolved;
  for (const auto& [keyword, rule] : schema.items()) {
    if (!known_keywords().contains(keyword)) {
      out.push_back(at + ": the schema uses '" + keyword + "', which this checker does not know");
    }
  }
  if (schema.contains("type") && !has_one_of_types(value, schema["type"])) {
    out.push_back(at + ": is " + shown(value) + ", not of type " + shown(schema["type"]));
    return;
  }
  check_scalar(value, schema, at, out);
  check_object(value, schema, at, out);
  check_array(value, schema, at, out);
  check_combined(value, schema, at, out);
}

void SchemaChecker::check_scalar(const Json& value, const Json& schema, const std::string& at,
                                 Problems& out) const {
  if (schema.contains("enum")) {
    const Json& all = schema["enum"];
    if (std::find(all.begin(), all.end(), value) == all.end()) {
      out.push_back(at + ": is " + shown(value) + ", not one of " + shown(all));
    }
  }
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    if (schema.contains("pattern") &&
        !std::regex_search(text, std::regex(schema["pattern"].get<std::string>()))) {
      out.push_back(at + ": " + shown(value) + " does not match " + shown(schema["pattern"]));
    }
    if (schema.contains("maxLength") && text.size() > schema["maxLength"].get<std::size_t>()) {
      out.push_back(at + ": is longer than " + shown(schema["maxLength"]));
    }
  }
  if (value.is_number()) {
    if (schema.contains("minimum") && value < schema["minimum"]) {
      out.push_back(at + ": is " + shown(value) + ", less than " + shown(schema["minimum"]));
    }
    if (schema.contains("maximum") && value > schema["maximum"]) {
      out.push_back(at + ": is " + shown(value) + ", more than " + shown(schema["maximum"]));
    }
  }
}

void SchemaChecker::check_object(const Json& value, const Json& schema, const std::string& at,
                                 Problems& out) const {
  if (!value.is_object()) {
    return;
  }
  for (const Json& name : schema.value("required", Json::array())) {
    if (!value.contains(name.get<std::string>())) {
      out.push_back(at + ": lacks " + name.get<std::string>());
    }
  }
  if (schema.contains("maxProperties") &&
      value.size() > schema["maxProperties"].get<std::size_t>()) {
    out.push_back(at + ": has more than " + shown(schema["maxProperties"]) + " members");
  }
  const Json properties = schema.value("properties", Json::object());
  for (const auto& [name, member] : value.items()) {
    const std::string place = at + "." + name;
    if (schema.contains("propertyNames")) {
      check_value(name, schema["propertyNames"], place + " (its name)", out);
    }
    if (properties.contains(name)) {
      check_value(member, properties[name], place, out);
    } else if (schema.contains("additionalProperties")) {
      const Json& rule = schema["additionalProperties"];
      if (rule.is_object()) {
        check_value(member, rule, place, out);
      } else if (rule == false) {
        out.push_back(place + ": is not in the schema");
      }
    }
  }
}

void SchemaChecker::check_array(const Json& value, const Json& schema, const std::string& at,
                                Problems& out) const {
  if (!value.is_array()) {
    return;
  }
  if (schema.contains("maxItems") && value.size() > schema["maxItems"].get<std::size_t>()) {
    out.push_back(at + ": has more than " + shown(schema["maxItems"]) + " elements");
  }
  if (schema.contains("items")) {
    for (std::size_t i = 0; i < value.size(); ++i) {
      check_value(value[i], schema["items"], at + "[" + std::to_string(i) + "]", out);
    }
  }
}

void SchemaChecker::check_combined(const Json& value, const Json& schema, const std::string& at,
                                   Problems& out) const {
  for (const Json& part : schema.value("allOf", Json::array())) {
    check_value(value, part, at, out);
  }
  if (!schema.contains("oneOf")) {
    return;
  }
  int fitting = 0;
  Problems why;
  for (const Json& choice : schema["oneOf"]) {
    Problems found;
    check_value(value, choice, at, found);
    fitting += found.empty() ? 1 : 0;
    why.insert(why.end(), found.begin(), found.end());
  }
  if (fitting != 1) {
    out.push_back(at + ": fits " + std::to_string(fitting) + " of the choices, not one");
    out.insert(out.end(), why.begin(), why.end());
  }
}

}  // namespace berth::openapi
