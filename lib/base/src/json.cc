#include "berth/base/json.h"

#include <algorithm>

#include "berth/base/duration.h"
#include "berth/base/utf8.h"

namespace berth {
namespace {

constexpr int kMaxDepth = 64;

// Parses without exceptions and remembers where it failed.
class BoundedSax final : public nlohmann::detail::json_sax_dom_parser<Json> {
 public:
  using Base = nlohmann::detail::json_sax_dom_parser<Json>;
  explicit BoundedSax(Json& out) : Base(out, false) {}

  bool start_object(std::size_t n) { return enter() && Base::start_object(n); }
  bool start_array(std::size_t n) { return enter() && Base::start_array(n); }
  bool end_object() {
    --depth_;
    return Base::end_object();
  }
  bool end_array() {
    --depth_;
    return Base::end_array();
  }
  template <class Exception>
  bool parse_error(std::size_t position, const std::string& /*token*/, const Exception& /*e*/) {
    position_ = position;
    return false;
  }
  bool too_deep() const { return too_deep_; }
  std::size_t position() const { return position_; }

 private:
  bool enter() {
    too_deep_ = ++depth_ > kMaxDepth;
    return !too_deep_;
  }
  int depth_ = 0;
  bool too_deep_ = false;
  std::size_t position_ = 0;
};

Error too_deep(std::string path) {
  return Error::invalid(std::move(path),
                        "the JSON is nested deeper than " + std::to_string(kMaxDepth));
}

Status check_text(const Json& value, const std::string& path, int depth) {
  constexpr const char* kWhy = "is not UTF-8, which is all that JSON carries; encode other bytes";
  if (depth > kMaxDepth) {
    return fail(too_deep(path));
  }
  if (value.is_string() && !is_utf8(value.get_ref<const std::string&>())) {
    return fail(Error::invalid(path, kWhy));
  }
  std::size_t at = 0;
  for (const auto& [key, member] : value.items()) {
    if (value.is_object() && !is_utf8(key)) {
      return fail(Error::invalid(path, "has a key that " + std::string(kWhy)));
    }
    if (value.is_structured()) {
      BERTH_TRY(check_text(
          member, value.is_object() ? path + "." + key : path + "[" + std::to_string(at++) + "]",
          depth + 1));
    }
  }
  return {};
}

}  // namespace

Result<Json> parse_json(std::string_view text) {
  Json out;
  BoundedSax sax(out);
  if (Json::sax_parse(text, &sax)) {
    return out;
  }
  if (sax.too_deep()) {
    return fail(too_deep(""));
  }
  return fail(Error::invalid("", "not valid JSON near byte " + std::to_string(sax.position())));
}

std::string dump_json(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Status check_text(const Json& value, const std::string& path) {
  return check_text(value, path, 1);
}

const Json* find(const Json& object, std::string_view key) {
  if (!object.is_object()) {
    return nullptr;
  }
  const auto it = object.find(key);
  return it == object.end() || it->is_null() ? nullptr : &*it;
}

const Json* find_path(const Json& object, std::initializer_list<std::string_view> path) {
  const Json* at = &object;
  for (const std::string_view key : path) {
    at = find(*at, key);
    if (at == nullptr) {
      return nullptr;
    }
  }
  return at;
}

std::optional<std::string> get_string(const Json& object, std::string_view key) {
  const Json* v = find(object, key);
  return v != nullptr && v->is_string() ? std::optional(v->get<std::string>()) : std::nullopt;
}

std::optional<std::int64_t> get_int(const Json& object, std::string_view key) {
  const Json* v = find(object, key);
  return v != nullptr && v->is_number_integer() ? std::optional(v->get<std::int64_t>())
                                                : std::nullopt;
}

std::optional<bool> get_bool(const Json& object, std::string_view key) {
  const Json* v = find(object, key);
  return v != nullptr && v->is_boolean() ? std::optional(v->get<bool>()) : std::nullopt;
}

std::string string_at(const Json& object, std::initializer_list<std::string_view> path) {
  const Json* v = find_path(object, path);
  return v != nullptr && v->is_string() ? v->get<std::string>() : std::string();
}

FieldReader::FieldReader(const Json& object, std::string path)
    : object_(object), path_(std::move(path)) {
  if (!object_.is_object()) {
    error_ = Error::invalid(path_, "must be an object");
  }
}

std::string FieldReader::path_of(std::string_view key) const {
  return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
}

void FieldReader::error(std::string_view key, std::string message) {
  if (!error_) {
    error_ = Error::invalid(path_of(key), std::move(message));
  }
}

const Json* FieldReader::take(std::string_view key) {
  seen_.emplace_back(key);
  return find(object_, key);
}

const Json* FieldReader::typed(std::string_view key, bool need, bool (*is)(const Json&),
                               std::string_view type) {
  const Json* v = take(key);
  if (v == nullptr) {
    if (need) {
      error(key, "is required");
    }
    return nullptr;
  }
  if (!is(*v)) {
    error(key, "must be " + std::string(type));
    return nullptr;
  }
  return v;
}

void FieldReader::required(std::string_view key, std::string& out) {
  if (const Json* v = typed(
          key, true, [](const Json& j) { return j.is_string(); }, "a string")) {
    out = v->get<std::string>();
  }
}

void FieldReader::optional(std::string_view key, std::string& out) {
  if (const Json* v = typed(
          key, false, [](const Json& j) { return j.is_string(); }, "a string")) {
    out = v->get<std::string>();
  }
}

void FieldReader::optional(std::string_view key, bool& out) {
  if (const Json* v = typed(
          key, false, [](const Json& j) { return j.is_boolean(); }, "true or false")) {
    out = v->get<bool>();
  }
}

namespace {
template <class T>
void check_range(FieldReader& r, std::string_view key, const Json* v, T& out, T min, T max) {
  if (v == nullptr) {
    return;
  }
  // Integers above the signed range would wrap around in get<int64_t>.
  const bool wraps = v->is_number_unsigned() && v->get<std::uint64_t>() > INT64_MAX;
  const T value = v->get<T>();
  if (wraps || !(value >= min && value <= max)) {
    r.error(key, "must be between " + Json(min).dump() + " and " + Json(max).dump() + ", is " +
                     v->dump());
    return;
  }
  out = value;
}
}  // namespace

void FieldReader::required(std::string_view key, std::int64_t& out, std::int64_t min,
                           std::int64_t max) {
  check_range(*this, key,
              typed(
                  key, true, [](const Json& j) { return j.is_number_integer(); }, "an integer"),
              out, min, max);
}

void FieldReader::optional(std::string_view key, std::int64_t& out, std::int64_t min,
                           std::int64_t max) {
  check_range(*this, key,
              typed(
                  key, false, [](const Json& j) { return j.is_number_integer(); }, "an integer"),
              out, min, max);
}

void FieldReader::optional(std::string_view key, double& out, double min, double max) {
  check_range(*this, key,
              typed(
                  key, false, [](const Json& j) { return j.is_number(); }, "a number"),
              out, min, max);
}

void FieldReader::duration(std::string_view key, std::chrono::nanoseconds& out,
                           std::chrono::nanoseconds min, std::chrono::nanoseconds max) {
  const Json* v = typed(
      key, false, [](const Json& j) { return j.is_string(); }, "a duration as text, like \"20s\"");
  if (v == nullptr) {
    return;
  }
  const auto d = parse_duration(v->get_ref<const std::string&>());
  if (!d) {
    error(key, d.error().message);
  } else if (*d < min || *d > max) {
    error(key, "must be between " + format_duration(min) + " and " + format_duration(max) +
                   ", is " + format_duration(*d));
  } else {
    out = *d;
  }
}

const Json* FieldReader::object(std::string_view key) {
  return typed(
      key, false, [](const Json& j) { return j.is_object(); }, "an object");
}

const Json* FieldReader::array(std::string_view key) {
  return typed(
      key, false, [](const Json& j) { return j.is_array(); }, "a list");
}

Status FieldReader::finish() {
  if (!error_ && !allow_unknown_) {
    for (const auto& [key, value] : object_.items()) {
      if (std::find(seen_.begin(), seen_.end(), key) == seen_.end()) {
        std::string known;
        for (const std::string& s : seen_) {
          known += (known.empty() ? "" : ", ") + s;
        }
        error(key.substr(0, 128), "is not a known field; known here: " + known);
        break;
      }
    }
  }
  if (error_) {
    return fail(*error_);
  }
  return {};
}

}  // namespace berth
