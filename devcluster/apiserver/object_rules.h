#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "berth/base/random.h"
#include "devcluster/apiserver/api_error.h"

/// Rules about single objects that the store applies to every type.
namespace berth::devcluster {

/// A random UUID, version 4.
std::string make_uid(Random& random);
/// RFC 1123 subdomain.
bool valid_name(std::string_view name);
std::vector<std::string> finalizers_of(const Json& object);
/// True when nothing keeps an object any more that was asked to go: no finalizer and no grace
/// period.
bool may_go(const Json& object);
/// kind, apiVersion and metadata, where given, are those of the path. 400.
ApiResult<void> check_shape(const ResourceType& type, const Json& object);
/// Labels and annotations are maps of strings, finalizers and ownerReferences lists. 422.
ApiResult<void> check_metadata(const ResourceType& type, const std::string& name, const Json& meta);

}  // namespace berth::devcluster
