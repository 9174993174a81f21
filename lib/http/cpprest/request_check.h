#pragma once

#include <string>

#include "berth/http/message.h"

namespace berth::http::cpprest {

/// Refuses what would change the meaning of the message on the wire: CR, LF and NUL in header
/// values, names and methods that are no tokens, targets with spaces, controls or a fragment; and
/// framing that is ours to write.
Status check_request(const Request& request);
/// "http://host:port" or https without a path. IPv6 literals are refused: cpprestsdk cannot resolve
/// them.
Status check_origin(const std::string& origin);

}  // namespace berth::http::cpprest
