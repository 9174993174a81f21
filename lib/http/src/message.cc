#include "berth/http/message.h"

#include "lib/http/src/ascii.h"

namespace berth::http {

void Headers::add(std::string name, std::string value) {
  fields_.emplace_back(std::move(name), std::move(value));
}

void Headers::set(std::string_view name, std::string value) {
  remove(name);
  fields_.emplace_back(std::string(name), std::move(value));
}

void Headers::remove(std::string_view name) {
  std::erase_if(fields_, [&](const auto& field) { return ascii_iequals(field.first, name); });
}

std::string_view Headers::get(std::string_view name) const {
  for (const auto& [key, value] : fields_) {
    if (ascii_iequals(key, name)) {
      return value;
    }
  }
  return {};
}

bool Headers::has(std::string_view name) const {
  return std::any_of(fields_.begin(), fields_.end(),
                     [&](const auto& field) { return ascii_iequals(field.first, name); });
}

std::string_view Request::path() const {
  return std::string_view(target).substr(0, target.find('?'));
}

std::optional<std::string> Request::query(std::string_view name) const {
  const auto mark = target.find('?');
  if (mark == std::string::npos) {
    return std::nullopt;
  }
  std::string_view rest = std::string_view(target).substr(mark + 1);
  while (!rest.empty()) {
    const std::string_view item = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(item.size() + 1, rest.size()));
    const auto equals = item.find('=');
    const auto key = percent_decode(item.substr(0, equals));
    if (key && *key == name) {
      const std::string_view value =
          equals == std::string_view::npos ? std::string_view() : item.substr(equals + 1);
      // Not as if it were absent: that may mean more.
      return percent_decode(value).value_or(std::string(value));
    }
  }
  return std::nullopt;
}

namespace {
Response with_type(int status, std::string body, std::string type) {
  Response r;
  r.status = status;
  r.headers.add("Content-Type", std::move(type));
  r.body = std::move(body);
  return r;
}
}  // namespace

Response Response::json(int status, std::string body) {
  return with_type(status, std::move(body), "application/json");
}

Response Response::text(int status, std::string body) {
  return with_type(status, std::move(body), "text/plain; charset=utf-8");
}

}  // namespace berth::http
