#pragma once

#include <string_view>

#include "berth/base/error.h"

namespace berth::kube {

/// Whether `text` may be one segment of a path, as the API server's own rule has it: not empty, not
/// "." or "..", no
/// '/' and no '%'; at most 253 characters. `field` names it in the error.
Status check_segment(std::string_view text, std::string_view field);

}  // namespace berth::kube
