#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "berth/base/json.h"

/// Small readers for the metadata that every object has.
namespace berth::kube {

std::string name_of(const Json& object);
std::string namespace_of(const Json& object);
std::string uid_of(const Json& object);
std::string version_of(const Json& object);
/// "namespace/name", or "name" for cluster-scoped objects.
std::string key_of(const Json& object);
std::string label_of(const Json& object, std::string_view label);
std::string annotation_of(const Json& object, std::string_view annotation);
bool is_deleting(const Json& object);
/// The uid of the owner reference with controller: true, or empty.
std::string controller_uid(const Json& object);
/// The status ("True", "False", "Unknown") of a condition, or empty.
std::string condition_status(const Json& object, std::string_view type);

/// A value of a Secret, decoded; nothing if it is absent or no base64. And one to be written.
std::optional<std::string> secret_value(const Json& secret, std::string_view key);
Json secret_data(std::string_view value);

}  // namespace berth::kube
