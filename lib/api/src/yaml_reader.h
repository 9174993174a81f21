#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "berth/base/json.h"

/// YAML text as JSON values that remember where they stood. The only user of yaml-cpp.
namespace berth::api {

/// Where a value stands in the text: lines and columns count from 1. A member of a map stands where
/// its key does.
struct YamlPlace {
  std::size_t line = 1;
  std::size_t column = 1;
  std::string key;                  ///< The member's name, if its parent is a map.
  std::vector<YamlPlace> children;  ///< In the order of the text.
};

struct YamlDocument {
  Json value;
  YamlPlace place;
};

/// All documents of the text. Bounded: 1 MiB of text, nesting of 64, 100,000 values and 8 MiB after
/// aliases are expanded. Duplicate keys, merge keys and tags that JSON does not know are errors.
/// Errors read "file:line:column: what is wrong".
Result<std::vector<YamlDocument>> read_yaml(std::string_view text, const std::string& file_name);

/// The place of the dotted path ("spec.worker.activities[2].name"), or of the nearest parent that
/// is in the text. Keys may have dots in them.
const YamlPlace& locate(const YamlPlace& root, std::string_view path);

/// "file:line:column: message", field empty: the message tells it.
Error error_at(const std::string& file_name, const YamlPlace& place, const std::string& message);

}  // namespace berth::api
