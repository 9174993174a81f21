#include "tests/integration/openapi/document.h"

#include <algorithm>
#include <cctype>
#include <stdexcept>

#include "berth/api/session_pool.h"
#include "berth/base/file.h"

namespace berth::openapi {
namespace {

std::vector<std::string> segments(const std::string& path) {
  std::vector<std::string> out;
  std::size_t from = 1;
  while (from <= path.size()) {
    const std::size_t end = std::min(path.find('/', from), path.size());
    out.push_back(path.substr(from, end - from));
    from = end + 1;
  }
  return out;
}

bool takes_the_rest(const std::string& segment) {
  return segment == "{path}" || segment == "{rest}";
}

bool fits(const std::vector<std::string>& pattern, const std::vector<std::string>& path) {
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (takes_the_rest(pattern[i])) {
      return i < path.size();
    }
    if (i >= path.size() || (!pattern[i].starts_with('{') && pattern[i] != path[i])) {
      return false;
    }
  }
  return pattern.size() == path.size();
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

Json load(const std::string& file) {
  const auto json = read_file(file).and_then(
      [&](const std::string& text) { return api::yaml_to_json(text, file); });
  if (!json) {
    throw std::runtime_error(json.error().text());
  }
  return *json;
}

bool is_method(const std::string& key) {
  return key == "get" || key == "put" || key == "post" || key == "delete";
}

}  // namespace

Document::Document(const std::string& file) : json_(load(file)), checker_(json_) {}

std::string Document::path_of(const std::string& target) const {
  const auto asked = segments(target.substr(0, target.find('?')));
  std::string best;
  for (const auto& [path, item] : json_["paths"].items()) {
    const auto literal = [](const std::string& p) { return std::count(p.begin(), p.end(), '{'); };
    if (fits(segments(path), asked) && (best.empty() || literal(path) < literal(best))) {
      best = path;
    }
  }
  return best;
}

const Json* Document::operation(const std::string& method, const std::string& path) const {
  const Json* item = find(json_["paths"], path);
  return item == nullptr ? nullptr : find(*item, lower(method));
}

const Json* Document::answer(const Json& operation, int status) const {
  const std::string number = std::to_string(status);
  for (const std::string& key : {number, number.substr(0, 1) + "XX", std::string("default")}) {
    if (const Json* found = find_path(operation, {"responses", key})) {
      return checker_.resolve(*found);
    }
  }
  return nullptr;
}

std::vector<std::string> Document::check_answer(const std::string& method, const std::string& path,
                                                int status, const std::string& content_type,
                                                const std::string& body) const {
  const Json* op = operation(method, path);
  const Json* described = op == nullptr ? nullptr : answer(*op, status);
  if (described == nullptr) {
    return {"the document has no answer " + std::to_string(status)};
  }
  const Json* content = find(*described, "content");
  if (content == nullptr) {
    return {};
  }
  const std::string type = content_type.substr(0, content_type.find(';'));
  const Json* media = find(*content, type);
  if (media == nullptr) {
    return {"the answer is '" + content_type + "', which the document does not list"};
  }
  const Json* schema = find(*media, "schema");
  if (schema == nullptr || type != "application/json") {
    return {};
  }
  const auto json = parse_json(body);
  return json ? checker_.check(*json, *schema)
              : std::vector<std::string>{"the body is no JSON: " + body.substr(0, 200)};
}

std::vector<std::string> Document::check_request(const std::string& method, const std::string& path,
                                                 const Json& body) const {
  const Json* op = operation(method, path);
  const Json* schema =
      op == nullptr ? nullptr
                    : find_path(*op, {"requestBody", "content", "application/json", "schema"});
  return schema == nullptr ? std::vector<std::string>{"the document knows no JSON body here"}
                           : checker_.check(body, *schema, "request");
}

std::map<std::string, std::set<std::string>> Document::methods() const {
  std::map<std::string, std::set<std::string>> out;
  for (const auto& [path, item] : json_["paths"].items()) {
    for (const auto& [key, op] : item.items()) {
      if (is_method(key)) {
        out[path].insert(upper(key));
      }
    }
  }
  return out;
}

std::set<std::string> Document::answers() const {
  std::set<std::string> out;
  for (const auto& [path, methods] : methods()) {
    for (const std::string& method : methods) {
      for (const auto& [status, described] : (*operation(method, path))["responses"].items()) {
        if (std::isdigit(static_cast<unsigned char>(status.back())) != 0) {
          out.insert(method + " " + path + " " + status);
        }
      }
    }
  }
  return out;
}

std::vector<std::string> Document::defects() const {
  std::vector<std::string> out;
  look_for_defects(json_, "#", out);
  return out;
}

void Document::look_for_defects(const Json& node, const std::string& at,
                                std::vector<std::string>& out) const {
  if (checker_.resolve(node) == nullptr) {
    out.push_back(at + ": " + node["$ref"].dump() + " leads nowhere");
  }
  if (!node.is_structured()) {
    return;
  }
  static const std::set<std::string> schema_keys = {"schema", "items", "additionalProperties",
                                                    "propertyNames"};
  const bool all_schemas = at.ends_with("/schemas") || at.ends_with("/properties") ||
                           at.ends_with("/allOf") || at.ends_with("/oneOf");
  for (const auto& [key, child] : node.items()) {
    const std::string place = at + "/" + key;
    if (child.is_object() && (all_schemas || schema_keys.contains(key))) {
      // Whether null fits does not matter here: every keyword of the schema is looked at first.
      for (const std::string& problem : checker_.check(nullptr, child, place)) {
        if (problem.find("does not know") != std::string::npos) {
          out.push_back(problem);
        }
      }
    }
    look_for_defects(child, place, out);
  }
}

}  // namespace berth::openapi
