#include "lib/api/src/yaml_reader.h"

#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <charconv>
#include <sstream>

#include "lib/api/src/utf8.h"
#include "lib/api/src/yaml_builder.h"

namespace berth::api {
namespace {

constexpr std::size_t kMaxText = 1 << 20;

// yaml-cpp takes byte 0x04 for the end of the text and guesses other encodings from NUL bytes: both
// would drop what follows without a word, so nothing but printable UTF-8 reaches it.
Status check_characters(std::string_view text, const std::string& file_name) {
  YamlPlace place;
  while (!text.empty()) {
    const CodePoint c = decode_utf8(text);
    if (c.size == 0 || !is_yaml_printable(c.value)) {
      return fail(error_at(file_name, place,
                           c.size == 0 ? "this is not valid UTF-8"
                                       : "a control character cannot stand here; write it as an "
                                         "escape in double quotes"));
    }
    place.line += c.value == '\n' ? 1 : 0;
    place.column = c.value == '\n' ? 1 : place.column + 1;
    text.remove_prefix(c.size);
  }
  return {};
}

const YamlPlace* child_named(const YamlPlace& map, std::string_view path, std::size_t& used) {
  const YamlPlace* best = nullptr;
  used = 0;
  for (const YamlPlace& child : map.children) {
    const std::size_t n = child.key.size();
    const bool whole =
        path.starts_with(child.key) && (path.size() == n || path[n] == '.' || path[n] == '[');
    if (whole && (best == nullptr || n > used)) {
      best = &child;
      used = n;
    }
  }
  return best;
}

const YamlPlace* child_at(const YamlPlace& list, std::string_view path, std::size_t& used) {
  std::size_t index = 0;
  const char* end = path.data() + path.size();
  const auto [at, error] = std::from_chars(path.data() + 1, end, index);
  if (error != std::errc() || at == end || *at != ']' || index >= list.children.size()) {
    return nullptr;
  }
  used = static_cast<std::size_t>(at - path.data()) + 1;
  return &list.children[index];
}

}  // namespace

Error error_at(const std::string& file_name, const YamlPlace& place, const std::string& message) {
  return Error::invalid("", file_name + ":" + std::to_string(place.line) + ":" +
                                std::to_string(place.column) + ": " + message);
}

const YamlPlace& locate(const YamlPlace& root, std::string_view path) {
  const YamlPlace* at = &root;
  while (!path.empty()) {
    if (path[0] == '.') {
      path.remove_prefix(1);
    }
    std::size_t used = 0;
    const YamlPlace* next =
        path.starts_with('[') ? child_at(*at, path, used) : child_named(*at, path, used);
    if (next == nullptr) {
      break;
    }
    at = next;
    path.remove_prefix(used);
  }
  return *at;
}

Result<std::vector<YamlDocument>> read_yaml(std::string_view text, const std::string& file_name) {
  if (text.size() > kMaxText) {
    return fail(error_at(file_name, {}, "the file is larger than 1 MiB"));
  }
  BERTH_TRY(check_characters(text, file_name));
  YamlBuilder builder(text);
  try {
    std::istringstream in{std::string(text)};
    YAML::Parser parser(in);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const YamlFailure& f) {
    return fail(error_at(file_name, f.place, f.message));
  } catch (const YAML::Exception& e) {
    const YamlPlace place{static_cast<std::size_t>(e.mark.line + 1),
                          static_cast<std::size_t>(e.mark.column + 1),
                          {},
                          {}};
    return fail(error_at(file_name, place, "not valid YAML: " + e.msg));
  } catch (const std::exception& e) {
    return fail(error_at(file_name, {}, std::string("not valid YAML: ") + e.what()));
  }
  return builder.take();
}

}  // namespace berth::api
