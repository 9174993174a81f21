#include "client/src/gateways.h"

#include <algorithm>

#include "berth/http/message.h"

namespace berth::client {

Result<Gateways> Gateways::parse(std::string_view text) {
  Gateways out;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    std::string_view one = text.substr(0, comma);
    text.remove_prefix(std::min(comma + 1, text.size()));
    while (one.starts_with(' ')) {
      one.remove_prefix(1);
    }
    while (one.ends_with(' ')) {
      one.remove_suffix(1);
    }
    if (one.empty()) {
      continue;
    }
    const auto url = http::Url::parse(one);
    if (!url) {
      return fail(Error::invalid("gateway", url.error().message));
    }
    if (url->path != "/") {
      return fail(
          Error::invalid("gateway", "\"" + std::string(one.substr(0, 200)) +
                                        "\" must be http://host:port or https://host:port, without "
                                        "a path"));
    }
    out.origins_.push_back(url->origin());
  }
  if (out.origins_.empty()) {
    return fail(Error::invalid("gateway", "is empty; expected http://host:port"));
  }
  return out;
}

void Gateways::failed(std::size_t i) {
  if (i % origins_.size() == preferred_) {
    preferred_ = (preferred_ + 1) % origins_.size();
  }
}

}  // namespace berth::client
