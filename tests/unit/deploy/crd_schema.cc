#include "tests/unit/deploy/crd_schema.h"

namespace berth::deploy {
namespace {

void walk(Place place, std::vector<Place>& out) {
  out.push_back(place);
  if (place.is_opaque()) {
    return;
  }
  if (place.type() == "array") {
    walk({place.path + "[0]", place.pointer + "/0", place.schema.at("items"), true}, out);
    return;
  }
  if (!place.is_object()) {
    return;
  }
  const Json required = place.schema.value("required", Json::array());
  for (const auto& [key, schema] : place.schema.at("properties").items()) {
    Place child{place.path + "." + key, place.pointer + "/" + key, schema, false};
    for (const Json& name : required) {
      child.required = child.required || name == key;
    }
    if (key == "http") {
      const auto second = [](std::string& text, const std::string& first, const char* other) {
        text.replace(text.find(first), first.size(), other);
      };
      second(child.path, "[0]", "[1]");
      second(child.pointer, "/0/", "/1/");
    }
    walk(std::move(child), out);
  }
}

}  // namespace

std::set<std::string> Place::members() const {
  std::set<std::string> out;
  for (const auto& [key, schema_of_key] : schema.at("properties").items()) {
    out.insert(key);
  }
  return out;
}

std::optional<std::string> Place::said(const std::string& before, const std::string& after) const {
  for (const Json& v : schema.value("x-kubernetes-validations", Json::array())) {
    for (const char* part : {"rule", "message"}) {
      const auto text = v.at(part).get<std::string>();
      const auto from = text.find(before);
      if (from == std::string::npos) {
        continue;
      }
      const auto begin = from + before.size();
      if (const auto end = text.find(after, begin); end != std::string::npos) {
        return text.substr(begin, end - begin);
      }
    }
  }
  return std::nullopt;
}

std::optional<std::string> Place::rule(const std::string& part) const {
  for (const Json& v : schema.value("x-kubernetes-validations", Json::array())) {
    if (const auto text = v.at("rule").get<std::string>(); text.find(part) != std::string::npos) {
      return text;
    }
  }
  return std::nullopt;
}

std::vector<Place> places_of(const Json& crd) {
  const Json spec = crd.at("spec")
                        .at("versions")
                        .at(0)
                        .at("schema")
                        .at("openAPIV3Schema")
                        .at("properties")
                        .at("spec");
  std::vector<Place> out;
  walk({"spec", "/spec", spec, true}, out);
  return out;
}

}  // namespace berth::deploy
