#include "berth/api/resources.h"

#include <algorithm>

namespace berth::api {
namespace {

constexpr std::size_t kMaxNames = 16;
constexpr std::int64_t kMaxAmount = 1'000'000;

bool is_resource_name(std::string_view name) {
  const auto alnum = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !name.empty() && name.size() <= 63 && alnum(name[0]) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return alnum(c) || c == '.' || c == '-'; });
}

std::int64_t amount_of(const Resources& resources, const std::string& name) {
  const auto it = resources.find(name);
  return it == resources.end() ? 0 : it->second;
}

}  // namespace

Result<Resources> parse_resources(const Json& object, const std::string& path) {
  FieldReader r(object, path);
  Resources out;
  if (!r.ok()) {
    return fail(r.finish().error());
  }
  if (object.size() > kMaxNames) {
    return fail(Error::invalid(path, "must have at most " + std::to_string(kMaxNames) +
                                         " resources, has " + std::to_string(object.size())));
  }
  for (const auto& [name, value] : object.items()) {
    if (!is_resource_name(name)) {
      r.error(name.substr(0, 64),
              "is no resource name; use 1 to 63 of a-z, 0-9, '.' and '-', beginning with a letter "
              "or digit");
    }
    r.required(name, out[name], 0, kMaxAmount);
  }
  BERTH_TRY(r.finish());
  return out;
}

Json to_json(const Resources& resources) {
  Json out = Json::object();
  for (const auto& [name, amount] : resources) {
    out[name] = amount;
  }
  return out;
}

std::string short_of(const Resources& capacity, const Resources& used, const Resources& asked) {
  for (const auto& [name, amount] : asked) {
    if (amount > amount_of(capacity, name) - amount_of(used, name)) {
      return name;
    }
  }
  return {};
}

bool fits(const Resources& capacity, const Resources& used, const Resources& asked) {
  return short_of(capacity, used, asked).empty();
}

void add_to(Resources& total, const Resources& more) {
  for (const auto& [name, amount] : more) {
    total[name] += amount;
  }
}

void subtract_from(Resources& total, const Resources& less) {
  for (const auto& [name, amount] : less) {
    total[name] -= amount;
  }
}

}  // namespace berth::api
