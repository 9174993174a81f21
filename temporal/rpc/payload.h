#pragma once

#include <map>
#include <string>
#include <vector>

#include "berth/base/json.h"

namespace berth::temporal {

/// A value as it travels: bytes, and how they are to be read ("encoding").
struct Payload {
  std::map<std::string, std::string> metadata;
  std::string data;
  bool operator==(const Payload&) const = default;
};
using Payloads = std::vector<Payload>;

/// As Temporal's default data converters write it: "json/plain".
Payload to_payload(const Json& value);

/// Reads "json/plain", "json/protobuf" and "binary/null". `what` names it in the error, which is
/// InvalidArgument: other encodings are those of a codec or converter that only the workflow knows.
Result<Json> from_payload(const Payload& payload, const std::string& what);

/// The arguments of an activity as one value: null without any, the argument itself if there is
/// one, else a list.
Result<Json> arguments(const Payloads& input);

}  // namespace berth::temporal
