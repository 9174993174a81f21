#include <algorithm>
#include <array>

#include "berth/http/server.h"

namespace berth::http {

namespace {

// A path is cut into this many segments at most; deeper ones only match a `{name...}`.
constexpr std::size_t kMaxSegments = 32;

struct Path {
  std::array<std::string_view, kMaxSegments> segments;
  std::size_t count = 0;
  bool too_deep = false;
  bool escaped = false;
};

std::string_view path_of(std::string_view target) {
  return target.substr(0, target.find('?'));
}

Path split_path(std::string_view path) {
  Path out;
  out.escaped = path.find('%') != std::string_view::npos;
  if (!path.empty()) {
    path.remove_prefix(1);
  }
  for (;;) {
    if (out.count == kMaxSegments) {
      out.too_deep = true;
      return out;
    }
    const auto slash = path.find('/');
    out.segments[out.count++] = path.substr(0, slash);
    if (slash == std::string_view::npos) {
      return out;
    }
    path.remove_prefix(slash + 1);
  }
}

bool is_param(std::string_view segment) {
  return segment.size() > 2 && segment.front() == '{';
}
bool is_rest(std::string_view segment) {
  return is_param(segment) && segment.ends_with("...}");
}

// Literal before `{name}` before `{name...}`.
int rank(std::string_view segment) {
  return is_rest(segment) ? 2 : is_param(segment) ? 1 : 0;
}

bool more_specific(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  return std::lexicographical_compare(
      a.begin(), a.end(), b.begin(), b.end(),
      [](const std::string& x, const std::string& y) { return rank(x) < rank(y); });
}

bool literal_matches(std::string_view pattern, std::string_view segment, bool escaped) {
  if (pattern == segment) {
    return true;
  }
  return escaped && percent_decode(segment) == std::string(pattern);
}

bool fits(const std::vector<std::string>& pattern, const Path& path) {
  const bool rest = !pattern.empty() && is_rest(pattern.back());
  if (rest ? path.count < pattern.size() : path.count != pattern.size() || path.too_deep) {
    return false;
  }
  const std::size_t fixed = pattern.size() - (rest ? 1 : 0);
  for (std::size_t i = 0; i < fixed; ++i) {
    if (is_param(pattern[i]) ? path.segments[i].empty()
                             : !literal_matches(pattern[i], path.segments[i], path.escaped)) {
      return false;
    }
  }
  return true;
}

// False on a bad escape.
bool bind(const std::vector<std::string>& pattern, const Path& path, std::string_view whole,
          std::vector<std::pair<std::string, std::string>>& params) {
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const std::string& name = pattern[i];
    if (!is_param(name)) {
      continue;
    }
    const bool rest = is_rest(name);
    const std::string_view raw =
        rest ? whole.substr(static_cast<std::size_t>(path.segments[i].data() - whole.data()))
             : path.segments[i];
    auto value = percent_decode(raw);
    if (!value) {
      return false;
    }
    params.emplace_back(name.substr(1, name.size() - (rest ? 5 : 2)), std::move(*value));
  }
  return true;
}

bool method_matches(std::string_view route, std::string_view asked) {
  return route == asked || (asked == "HEAD" && route == "GET");
}

void allow(std::string& list, std::string_view method) {
  if (list.find(method) == std::string::npos) {
    list += (list.empty() ? "" : ", ") + std::string(method);
    if (method == "GET") {
      allow(list, "HEAD");
    }
  }
}

}  // namespace

void Router::add(std::string method, std::string_view pattern, Handler handler, BodyRule body) {
  Route route;
  route.method = std::move(method);
  route.pattern = pattern;
  const Path path = split_path(route.pattern);
  for (std::size_t i = 0; i < path.count; ++i) {
    route.segments.emplace_back(path.segments[i]);
  }
  route.handler = std::move(handler);
  route.body = body;
  // Kept in order of matching: the first route that fits is the most specific one.
  const auto at = std::upper_bound(
      routes_.begin(), routes_.end(), route,
      [](const Route& a, const Route& b) { return more_specific(a.segments, b.segments); });
  routes_.insert(at, std::move(route));
}

Router::Match Router::match(std::string_view method, std::string_view target) const {
  Match match;
  const std::string_view whole = path_of(target);
  if (whole.empty() || whole.front() != '/') {
    return match;
  }
  const Path path = split_path(whole);
  for (const Route& route : routes_) {
    if (!fits(route.segments, path)) {
      continue;
    }
    if (!method_matches(route.method, method)) {
      match.status = 405;
      allow(match.allow, route.method);
      continue;
    }
    if (!bind(route.segments, path, whole, match.params)) {
      match.status = 400;
      match.params.clear();
      return match;
    }
    match.handler = &route.handler;
    match.body = route.body;
    match.status = 200;
    match.allow.clear();
    return match;
  }
  return match;
}

std::string_view Router::pattern_of(std::string_view method, std::string_view target) const {
  const std::string_view whole = path_of(target);
  if (whole.empty() || whole.front() != '/') {
    return {};
  }
  const Path path = split_path(whole);
  for (const Route& route : routes_) {
    if (method_matches(route.method, method) && fits(route.segments, path)) {
      return route.pattern;
    }
  }
  return {};
}

}  // namespace berth::http
