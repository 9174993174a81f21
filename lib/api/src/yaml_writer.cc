#include "berth/api/session_pool.h"
#include "lib/api/src/yaml_scalar.h"

namespace berth::api {
namespace {

// A longer key is not recognised as one on a single line (YAML 1.2.2, 7.4.2: 1024 characters).
constexpr std::size_t kMaxSimpleKey = 1000;

std::string inline_text(const Json& value) {
  if (value.is_string()) {
    return quote_if_needed(value.get_ref<const std::string&>());
  }
  return dump_json(value);
}

// Writes in the style of kubectl: two spaces, lists not indented below their key. The first line's
// indentation is already there.
class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}

  void block(const Json& value, std::size_t indent) {
    bool first = true;
    if (value.is_object()) {
      for (const auto& [key, member] : value.items()) {
        begin(first, indent);
        member_of_map(key, member, indent);
      }
    } else {
      for (const Json& element : value) {
        begin(first, indent);
        out_ += "- ";
        after_dash(element, indent + 2);
      }
    }
  }

  static bool is_inline(const Json& value) { return !value.is_structured() || value.empty(); }

 private:
  void begin(bool& first, std::size_t indent) {
    if (!first) {
      out_.append(indent, ' ');
    }
    first = false;
  }

  void after_dash(const Json& value, std::size_t indent) {
    if (is_inline(value)) {
      out_ += inline_text(value) + '\n';
    } else {
      block(value, indent);
    }
  }

  void member_of_map(const std::string& key, const Json& value, std::size_t indent) {
    const std::string text = quote_if_needed(key);
    if (text.size() > kMaxSimpleKey) {
      out_ += "? " + text + '\n';
      out_.append(indent, ' ');
      out_ += ": ";
      after_dash(value, indent + 2);
      return;
    }
    out_ += text + ':';
    if (is_inline(value)) {
      out_ += ' ' + inline_text(value) + '\n';
      return;
    }
    const std::size_t deeper = value.is_array() ? indent : indent + 2;
    out_ += '\n';
    out_.append(deeper, ' ');
    block(value, deeper);
  }

  std::string& out_;
};

}  // namespace

std::string json_to_yaml(const Json& value) {
  std::string out;
  if (Writer::is_inline(value)) {
    out = inline_text(value) + '\n';
  } else {
    Writer(out).block(value, 0);
  }
  return out;
}

}  // namespace berth::api
