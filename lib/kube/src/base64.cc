#include "lib/kube/src/base64.h"

#include <algorithm>

#include "berth/base/base64.h"

namespace berth::kube {

std::optional<std::string> base64_decode(std::string_view text) {
  std::string packed;
  packed.reserve(text.size());
  std::copy_if(text.begin(), text.end(), std::back_inserter(packed),
               [](char c) { return c != ' ' && c != '\t' && c != '\r' && c != '\n'; });
  return berth::base64_decode(packed);
}

}  // namespace berth::kube
