#include "devcluster/apiserver/api_error.h"

namespace berth::devcluster {

namespace {

Json details_of(const std::string& name, std::string_view group, std::string_view kind) {
  Json details = {{"name", name}, {"kind", kind}};
  if (!group.empty()) {
    details["group"] = group;
  }
  return details;
}

std::string quoted(const ResourceType& type, const std::string& name) {
  return type.resource_name() + " \"" + name + "\"";
}

}  // namespace

ApiError ApiError::make(int code, std::string reason, std::string message) {
  ApiError e;
  e.code = code;
  e.reason = std::move(reason);
  e.message = std::move(message);
  return e;
}

ApiError ApiError::not_found(const ResourceType& type, const std::string& name) {
  ApiError e = make(404, "NotFound", quoted(type, name) + " not found");
  e.details = details_of(name, type.group, type.plural);
  return e;
}

ApiError ApiError::already_exists(const ResourceType& type, const std::string& name) {
  ApiError e = make(409, "AlreadyExists", quoted(type, name) + " already exists");
  e.details = details_of(name, type.group, type.plural);
  return e;
}

ApiError ApiError::conflict(const ResourceType& type, const std::string& name,
                            const std::string& why) {
  ApiError e =
      make(409, "Conflict", "Operation cannot be fulfilled on " + quoted(type, name) + ": " + why);
  e.details = details_of(name, type.group, type.plural);
  return e;
}

ApiError ApiError::modified(const ResourceType& type, const std::string& name) {
  return conflict(type, name,
                  "the object has been modified; please apply your changes to the latest version "
                  "and try again");
}

ApiError ApiError::invalid(const ResourceType& type, const std::string& name, std::string field,
                           std::string message) {
  ApiError e = make(422, "Invalid",
                    type.kind_name() + " \"" + name + "\" is invalid: " + field + ": " + message);
  e.details = details_of(name, type.group, type.kind);
  e.details["causes"] =
      Json::array({{{"reason", "FieldValueInvalid"}, {"message", message}, {"field", field}}});
  return e;
}

ApiError ApiError::expired(std::string message) {
  return make(410, "Expired", std::move(message));
}

ApiError ApiError::bad_request(std::string message) {
  return make(400, "BadRequest", std::move(message));
}

ApiError ApiError::internal(std::string message) {
  ApiError e = make(500, "InternalError", "Internal error occurred: " + message);
  e.details = {{"causes", Json::array({{{"message", std::move(message)}}})}};
  return e;
}

Json ApiError::body() const {
  Json status = {{"kind", "Status"},    {"apiVersion", "v1"}, {"metadata", Json::object()},
                 {"status", "Failure"}, {"message", message}, {"reason", reason},
                 {"code", code}};
  if (!details.is_null()) {
    status["details"] = details;
  }
  if (retry_after) {
    status["details"]["retryAfterSeconds"] = retry_after->count();
  }
  return status;
}

}  // namespace berth::devcluster
