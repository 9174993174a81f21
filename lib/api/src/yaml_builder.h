#pragma once

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/mark.h>

#include <map>
#include <string>
#include <vector>

#include "lib/api/src/yaml_reader.h"

namespace berth::api {

/// Thrown through yaml-cpp, whose parser offers no other way to stop it; caught in read_yaml().
struct YamlFailure {
  YamlPlace place;
  std::string message;
};

/// Builds documents from yaml-cpp's events, within the bounds of read_yaml().
class YamlBuilder final : public YAML::EventHandler {
 public:
  explicit YamlBuilder(std::string_view text) : text_(text) {}
  std::vector<YamlDocument> take() { return std::move(documents_); }

  void OnDocumentStart(const YAML::Mark& mark) override;
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override;
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value style) override;
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value style) override;
  void OnMapEnd() override { close(); }

 private:
  struct Cost {
    std::size_t values = 0;
    std::size_t bytes = 0;
  };
  struct Anchor {
    YamlDocument node;
    Cost cost;
  };
  /// An open list or map.
  struct Frame {
    YamlDocument node;
    YAML::anchor_t anchor;
    Cost spent_before;
    bool has_key = false;
    std::string key;
    YamlPlace key_place;
  };

  bool expects_key() const;
  void set_key(const YamlPlace& place, const std::string& tag, const std::string& text);
  void open(const YAML::Mark& mark, Json empty, YAML::anchor_t anchor);
  void close();
  void add(YamlDocument node);
  void remember(YAML::anchor_t anchor, const YamlDocument& node, Cost cost);
  void spend(const YamlPlace& place, Cost cost);

  std::string_view text_;
  std::vector<YamlDocument> documents_;
  std::vector<Frame> stack_;
  std::map<YAML::anchor_t, Anchor> anchors_;
  Cost spent_;
};

}  // namespace berth::api
