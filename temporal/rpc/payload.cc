#include "temporal/rpc/payload.h"

namespace berth::temporal {

Payload to_payload(const Json& value) {
  return {{{"encoding", "json/plain"}}, dump_json(value)};
}

Result<Json> from_payload(const Payload& payload, const std::string& what) {
  const auto encoding = payload.metadata.find("encoding");
  const std::string name = encoding == payload.metadata.end() ? "" : encoding->second;
  if (name == "binary/null") {
    return Json();
  }
  if (name == "json/plain" || name == "json/protobuf") {
    return parse_json(payload.data).map_error([&](const Error& e) {
      return Error::invalid(what, "is not JSON: " + e.message);
    });
  }
  return fail(Error::invalid(
      what, "has the encoding '" + name +
                "'; sessions on Berth take JSON (json/plain, json/protobuf), without a codec"));
}

Result<Json> arguments(const Payloads& input) {
  if (input.empty()) {
    return Json();
  }
  if (input.size() == 1) {
    return from_payload(input.front(), "argument");
  }
  Json all = Json::array();
  for (const Payload& one : input) {
    BERTH_ASSIGN(Json value, from_payload(one, "argument " + std::to_string(all.size() + 1)));
    all.push_back(std::move(value));
  }
  return all;
}

}  // namespace berth::temporal
