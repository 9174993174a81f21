#include "lib/api/src/yaml_builder.h"

#include "lib/api/src/yaml_scalar.h"

namespace berth::api {
namespace {

constexpr std::size_t kMaxDepth = 64;
constexpr std::size_t kMaxValues = 100'000;
constexpr std::size_t kMaxTextBytes = 8 << 20;
constexpr std::size_t kMaxDocuments = 1000;

YamlPlace place_of(const YAML::Mark& mark) {
  return {
      static_cast<std::size_t>(mark.line) + 1, static_cast<std::size_t>(mark.column) + 1, {}, {}};
}

[[noreturn]] void refuse(const YamlPlace& place, std::string message) {
  throw YamlFailure{{place.line, place.column, {}, {}}, std::move(message)};
}

// yaml-cpp's names for scalars without a tag: "?" for plain ones, "!" for quoted and block ones.
constexpr std::string_view kPlain = "?";
constexpr std::string_view kQuoted = "!";
constexpr std::string_view kCorePrefix = "tag:yaml.org,2002:";

bool has_type(const Json& value, std::string_view type) {
  return (type == "null" && value.is_null()) || (type == "bool" && value.is_boolean()) ||
         (type == "int" && value.is_number_integer()) || (type == "float" && value.is_number());
}

Json scalar(const YamlPlace& place, std::string_view tag, const std::string& text) {
  if (tag == kQuoted) {
    return text;
  }
  if (tag != kPlain && !tag.starts_with(kCorePrefix)) {
    refuse(place, "the tag " + std::string(tag.substr(0, 64)) + " is not known here; leave it out");
  }
  const std::string_view type = tag == kPlain ? "" : tag.substr(kCorePrefix.size());
  if (type == "str") {
    return text;
  }
  auto value = resolve_plain(text);
  if (!value) {
    refuse(place, value.error().message);
  }
  if (!type.empty() && !has_type(*value, type)) {
    refuse(place, "this is no value for the tag !!" + std::string(type.substr(0, 64)));
  }
  return std::move(*value);
}

void check_collection_tag(const YamlPlace& place, std::string_view tag, std::string_view type) {
  if (tag != kPlain && tag != kQuoted && !tag.empty() &&
      tag != std::string(kCorePrefix).append(type)) {
    refuse(place, "the tag " + std::string(tag.substr(0, 64)) + " is not known here; leave it out");
  }
}

std::string_view line_at(std::string_view text, std::size_t line) {
  for (std::size_t i = 1; i < line; ++i) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) {
      return {};
    }
    text.remove_prefix(end + 1);
  }
  return text;
}

}  // namespace

void YamlBuilder::OnDocumentStart(const YAML::Mark& mark) {
  const YamlPlace place = place_of(mark);
  // yaml-cpp takes what follows a complete value, even a stray ",", for a new document, without
  // end.
  if (!documents_.empty() &&
      (place.column != 1 || !line_at(text_, place.line).starts_with("---"))) {
    refuse(place, "this text follows a complete document; begin another one with '---'");
  }
  if (documents_.size() == kMaxDocuments) {
    refuse(place, "more than " + std::to_string(kMaxDocuments) + " documents");
  }
  anchors_.clear();
}

void YamlBuilder::OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) {
  OnScalar(mark, std::string(kPlain), anchor, "");
}

void YamlBuilder::OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) {
  const YamlPlace place = place_of(mark);
  if (expects_key()) {
    refuse(place, "an alias cannot be a key; write the key out");
  }
  const auto it = anchors_.find(anchor);
  if (it == anchors_.end()) {
    refuse(place, "this alias refers to a value that contains it");
  }
  spend(place, it->second.cost);
  YamlDocument copy = it->second.node;
  add(std::move(copy));
}

void YamlBuilder::OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                           const std::string& value) {
  const YamlPlace place = place_of(mark);
  const Cost cost{1, value.size()};
  spend(place, cost);
  if (expects_key()) {
    set_key(place, tag, value);
    remember(anchor, {value, place}, cost);
    return;
  }
  YamlDocument node{scalar(place, tag, value), place};
  remember(anchor, node, cost);
  add(std::move(node));
}

void YamlBuilder::OnSequenceStart(const YAML::Mark& mark, const std::string& tag,
                                  YAML::anchor_t anchor, YAML::EmitterStyle::value /*style*/) {
  check_collection_tag(place_of(mark), tag, "seq");
  open(mark, Json::array(), anchor);
}

void YamlBuilder::OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                             YAML::EmitterStyle::value /*style*/) {
  check_collection_tag(place_of(mark), tag, "map");
  open(mark, Json::object(), anchor);
}

bool YamlBuilder::expects_key() const {
  return !stack_.empty() && stack_.back().node.value.is_object() && !stack_.back().has_key;
}

void YamlBuilder::set_key(const YamlPlace& place, const std::string& tag, const std::string& text) {
  Frame& map = stack_.back();
  if (tag == kPlain && text == "<<") {
    refuse(place, "merge keys (<<) are not part of YAML 1.2; write the fields out");
  }
  if (scalar(place, tag, text).is_null()) {
    refuse(place, "a key is missing here");
  }
  if (map.node.value.contains(text)) {
    refuse(place, "the key '" + text.substr(0, 128) + "' is already used above in this map");
  }
  map.has_key = true;
  map.key = text;
  map.key_place = place;
}

void YamlBuilder::open(const YAML::Mark& mark, Json empty, YAML::anchor_t anchor) {
  const YamlPlace place = place_of(mark);
  if (expects_key()) {
    refuse(place, "a key must be text, not a list or map");
  }
  if (stack_.size() == kMaxDepth) {
    refuse(place, "nested deeper than " + std::to_string(kMaxDepth));
  }
  const Cost before = spent_;
  spend(place, {1, 0});
  stack_.push_back({{std::move(empty), place}, anchor, before, false, {}, {}});
}

void YamlBuilder::close() {
  Frame done = std::move(stack_.back());
  stack_.pop_back();
  remember(done.anchor, done.node,
           {spent_.values - done.spent_before.values, spent_.bytes - done.spent_before.bytes});
  add(std::move(done.node));
}

void YamlBuilder::add(YamlDocument node) {
  if (stack_.empty()) {
    documents_.push_back(std::move(node));
    return;
  }
  Frame& parent = stack_.back();
  if (parent.node.value.is_array()) {
    parent.node.value.push_back(std::move(node.value));
  } else {
    node.place.line = parent.key_place.line;
    node.place.column = parent.key_place.column;
    node.place.key = parent.key;
    parent.node.value[parent.key] = std::move(node.value);
    parent.has_key = false;
  }
  parent.node.place.children.push_back(std::move(node.place));
}

// Keeping a value for its aliases costs as much as the value itself, or nested anchors would
// multiply a text.
void YamlBuilder::remember(YAML::anchor_t anchor, const YamlDocument& node, Cost cost) {
  if (anchor != YAML::NullAnchor) {
    spend(node.place, cost);
    anchors_[anchor] = {node, cost};
  }
}

void YamlBuilder::spend(const YamlPlace& place, Cost cost) {
  spent_.values += cost.values;
  spent_.bytes += cost.bytes;
  if (spent_.values > kMaxValues || spent_.bytes > kMaxTextBytes) {
    refuse(place, "too much for one file: more than " + std::to_string(kMaxValues) + " values or " +
                      std::to_string(kMaxTextBytes >> 20) + " MiB of text, aliases counted");
  }
}

}  // namespace berth::api
