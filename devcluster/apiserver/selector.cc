#include "devcluster/apiserver/selector.h"

#include <algorithm>

namespace berth::devcluster {

namespace {

constexpr std::size_t kMaxRules = 64;

std::string_view trim(std::string_view s) {
  while (!s.empty() && s.front() == ' ') {
    s.remove_prefix(1);
  }
  while (!s.empty() && s.back() == ' ') {
    s.remove_suffix(1);
  }
  return s;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (;;) {
    const std::size_t at = text.find(separator);
    parts.emplace_back(trim(text.substr(0, at)));
    if (at == std::string_view::npos) {
      return parts;
    }
    text.remove_prefix(at + 1);
  }
}

bool label_text(std::string_view s) {
  return std::all_of(s.begin(), s.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '/';
  });
}

bool field_allowed(const ResourceType& type, std::string_view field) {
  if (field == "metadata.name" || (field == "metadata.namespace" && type.namespaced)) {
    return true;
  }
  std::string_view rest = type.field_labels;
  while (!rest.empty()) {
    const std::size_t space = rest.find(' ');
    if (rest.substr(0, space) == field) {
      return true;
    }
    rest.remove_prefix(space == std::string_view::npos ? rest.size() : space + 1);
  }
  return false;
}

std::string field_value(const Json& object, const std::vector<std::string>& path) {
  const Json* at = &object;
  for (const std::string& key : path) {
    // The core group's word for what events.k8s.io, in which events are stored, calls "regarding".
    at = find(*at, key == "involvedObject" ? "regarding" : key);
    if (at == nullptr) {
      return "";
    }
  }
  return at->is_string() ? at->get<std::string>() : at->dump();
}

}  // namespace

class Selector::LabelParser {
 public:
  explicit LabelParser(std::string_view text) : text_(text), rest_(text) {}

  ApiResult<std::vector<LabelRule>> run() {
    std::vector<LabelRule> rules;
    while (!trim(rest_).empty()) {
      BERTH_ASSIGN(auto rule, next());
      rules.push_back(std::move(rule));
      if (rules.size() > kMaxRules) {
        return fail(ApiError::bad_request("more than 64 requirements in the label selector"));
      }
    }
    return rules;
  }

 private:
  /// Cuts one requirement off: a comma inside parentheses belongs to it.
  std::string_view cut() {
    int depth = 0;
    std::size_t i = 0;
    for (; i < rest_.size() && (rest_[i] != ',' || depth > 0); ++i) {
      depth += rest_[i] == '(' ? 1 : rest_[i] == ')' ? -1 : 0;
    }
    const std::string_view part = rest_.substr(0, i);
    rest_.remove_prefix(std::min(i + 1, rest_.size()));
    return trim(part);
  }

  ApiResult<LabelRule> next() {
    const std::string_view part = cut();
    LabelRule rule;
    if (const auto open = part.find('('); open != std::string_view::npos) {
      return set_based(part, open);
    }
    if (part.starts_with('!')) {
      rule.op = Op::kAbsent;
      rule.key = trim(part.substr(1));
    } else if (const auto ne = part.find("!="); ne != std::string_view::npos) {
      rule = {std::string(trim(part.substr(0, ne))),
              Op::kNotIn,
              {std::string(trim(part.substr(ne + 2)))}};
    } else if (const auto eq = part.find('='); eq != std::string_view::npos) {
      const std::size_t skip = part.substr(eq).starts_with("==") ? 2 : 1;
      rule = {std::string(trim(part.substr(0, eq))),
              Op::kIn,
              {std::string(trim(part.substr(eq + skip)))}};
    } else {
      rule.key = part;
    }
    return checked(std::move(rule));
  }

  ApiResult<LabelRule> set_based(std::string_view part, std::size_t open) {
    const std::string_view head = trim(part.substr(0, open));
    const std::size_t space = head.rfind(' ');
    const std::string_view word = space == std::string_view::npos ? "" : head.substr(space + 1);
    if (!part.ends_with(')') || (word != "in" && word != "notin")) {
      return fail(bad());
    }
    LabelRule rule;
    rule.key = trim(head.substr(0, space));
    rule.op = word == "in" ? Op::kIn : Op::kNotIn;
    rule.values = split(part.substr(open + 1, part.size() - open - 2), ',');
    return checked(std::move(rule));
  }

  ApiResult<LabelRule> checked(LabelRule rule) {
    if (rule.key.empty() || !label_text(rule.key) ||
        !std::all_of(rule.values.begin(), rule.values.end(), label_text)) {
      return fail(bad());
    }
    return rule;
  }

  ApiError bad() const {
    return ApiError::bad_request("unable to parse requirement in label selector \"" +
                                 std::string(text_.substr(0, 200)) + "\"");
  }

  std::string_view text_;
  std::string_view rest_;
};

ApiResult<Selector> Selector::parse(const ResourceType& type, std::string ns,
                                    std::string_view labels, std::string_view fields) {
  Selector s(std::move(ns));
  BERTH_ASSIGN(s.labels_, LabelParser(labels).run());
  if (trim(fields).empty()) {
    return s;
  }
  for (const std::string& part : split(fields, ',')) {
    const std::size_t eq = part.find('=');
    if (eq == std::string::npos || eq == 0 || s.fields_.size() == kMaxRules) {
      return fail(ApiError::bad_request("invalid field selector: \"" + part + "\""));
    }
    FieldRule rule;
    rule.equal = part[eq - 1] != '!';
    const std::string field(trim(std::string_view(part).substr(0, rule.equal ? eq : eq - 1)));
    rule.value = trim(std::string_view(part).substr(part[eq + 1] == '=' ? eq + 2 : eq + 1));
    if (!field_allowed(type, field)) {
      return fail(ApiError::bad_request("field label not supported: " + field));
    }
    rule.path = split(field, '.');
    s.fields_.push_back(std::move(rule));
  }
  return s;
}

bool Selector::matches(const Json& object) const {
  if (!ns_.empty() && string_at(object, {"metadata", "namespace"}) != ns_) {
    return false;
  }
  const Json none;
  const Json* found = find_path(object, {"metadata", "labels"});
  const Json& labels = found == nullptr ? none : *found;
  for (const LabelRule& rule : labels_) {
    const auto value = get_string(labels, rule.key);
    const bool listed =
        value && std::find(rule.values.begin(), rule.values.end(), *value) != rule.values.end();
    if ((rule.op == Op::kIn && !listed) || (rule.op == Op::kNotIn && listed) ||
        (rule.op == Op::kExists && !value) || (rule.op == Op::kAbsent && value)) {
      return false;
    }
  }
  return std::all_of(fields_.begin(), fields_.end(), [&](const FieldRule& rule) {
    return (field_value(object, rule.path) == rule.value) == rule.equal;
  });
}

}  // namespace berth::devcluster
