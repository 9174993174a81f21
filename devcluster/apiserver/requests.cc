#include "devcluster/apiserver/requests.h"

#include <charconv>

#include "berth/api/session_pool.h"
#include "devcluster/apiserver/discovery.h"
#include "devcluster/apiserver/event_view.h"
#include "devcluster/apiserver/patch.h"
#include "devcluster/apiserver/scale.h"
#include "devcluster/apiserver/table.h"

namespace berth::devcluster {

namespace {

http::Response json_answer(int status, const Json& body) {
  return http::Response::json(status, dump_json(body));
}

bool wants_table(const ResourceType& type, const http::Request& request) {
  const std::string_view accept = request.headers.get("Accept");
  const std::string_view first = accept.substr(0, accept.find(','));
  return has_table(type) && first.find("as=Table") != std::string_view::npos &&
         first.find("v=v1;") != std::string_view::npos;
}

ApiResult<bool> dry_run(const http::Request& request) {
  const auto value = request.query("dryRun");
  if (value && *value != "All") {
    return fail(ApiError::bad_request("dryRun: Unsupported value: \"" + *value +
                                      "\": supported values: \"All\""));
  }
  return value.has_value();
}

ApiResult<std::int64_t> number(const std::string& text, const char* name) {
  std::int64_t value = 0;
  const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (bad != std::errc() || end != text.data() + text.size() || value < 0) {
    return fail(ApiError::bad_request(std::string(name) + " must be a number, 0 or more"));
  }
  return value;
}

ApiResult<Json> json_body(const http::Request& request) {
  const std::string_view type = request.headers.get("Content-Type");
  const std::string_view media = type.substr(0, type.find(';'));
  const bool yaml = media == "application/yaml" || media == "application/apply-patch+yaml";
  if (media == "application/vnd.kubernetes.protobuf") {
    return fail(
        ApiError::make(415, "UnsupportedMediaType",
                       "the dev cluster takes JSON, not protobuf; instead of `kubectl create "
                       "configmap ...` use `kubectl create configmap ... --dry-run=client -o "
                       "yaml | kubectl apply -f -`"));
  }
  if (!media.empty() && !yaml && media != "application/json" && !media.ends_with("+json")) {
    return fail(ApiError::make(415, "UnsupportedMediaType",
                               "the body of the request was in an unknown format - accepted media "
                               "types include: application/json, application/yaml"));
  }
  // JSON is YAML too, but its own parser is stricter and faster.
  auto parsed = parse_json(request.body);
  if (!parsed && yaml) {
    parsed = api::yaml_to_json(request.body, "the request body");
  }
  if (!parsed) {
    return fail(
        ApiError::bad_request("the object provided is unrecognized: " + parsed.error().message));
  }
  return std::move(*parsed);
}

ApiResult<DeleteQuery> delete_query(const http::Request& request) {
  DeleteQuery query;
  Json body = Json::object();
  if (!request.body.empty()) {
    BERTH_ASSIGN(body, json_body(request));
  }
  std::string policy = get_string(body, "propagationPolicy")
                           .value_or(request.query("propagationPolicy").value_or("Background"));
  if (get_bool(body, "orphanDependents").value_or(false)) {
    policy = "Orphan";
  }
  if (policy != "Background" && policy != "Foreground" && policy != "Orphan") {
    return fail(ApiError::bad_request("propagationPolicy: Unsupported value: \"" + policy + "\""));
  }
  query.propagation = policy == "Foreground" ? Propagation::kForeground
                      : policy == "Orphan"   ? Propagation::kOrphan
                                             : Propagation::kBackground;
  query.grace_seconds = get_int(body, "gracePeriodSeconds");
  if (const auto text = request.query("gracePeriodSeconds"); text && !query.grace_seconds) {
    BERTH_ASSIGN(query.grace_seconds, number(*text, "gracePeriodSeconds"));
  }
  query.uid = string_at(body, {"preconditions", "uid"});
  query.resource_version = string_at(body, {"preconditions", "resourceVersion"});
  BERTH_ASSIGN(query.dry_run, dry_run(request));
  const Json* from_body = find(body, "dryRun");
  query.dry_run |= from_body != nullptr && *from_body == Json::array({"All"});
  return query;
}

http::Response object_answer(int status, const ApiPath& path, const Json& object) {
  return json_answer(status, to_view(*path.type, object));
}

/// The object that a PUT or PATCH of `path` wants, given the current one.
ApiResult<Json> wanted(const ApiPath& path, const http::Request& request, const Json& body,
                       const Json& current) {
  const bool scale = path.subresource == "scale";
  if (request.method == "PUT") {
    return scale ? with_scale(current, body) : ApiResult<Json>(from_view(*path.type, body));
  }
  BERTH_ASSIGN(const PatchType how, patch_type(request.headers.get("Content-Type")));
  const Json shown = scale ? scale_for_update(current) : to_view(*path.type, current);
  BERTH_ASSIGN(Json patched, apply_patch(*path.type, how, shown, body));
  if (!scale) {
    return from_view(*path.type, std::move(patched));
  }
  // A version in the patch is its precondition; the one that was there anyway always holds.
  return with_scale(current, patched);
}

}  // namespace

http::Response error_answer(const ApiError& error) {
  http::Response response = json_answer(error.code, error.body());
  if (error.retry_after) {
    response.headers.set("Retry-After", std::to_string(error.retry_after->count()));
  }
  return response;
}

ApiError no_such_path() {
  ApiError e = ApiError::make(404, "NotFound", "the server could not find the requested resource");
  e.details = Json::object();
  return e;
}

http::Response RequestExecutor::execute(const http::Request& request, std::string_view path) {
  const bool read = request.method == "GET" || request.method == "HEAD";
  if (read && (path == "/healthz" || path == "/readyz" || path == "/livez")) {
    return http::Response::text(200, "ok");
  }
  if (auto found = read ? discovery(path) : std::nullopt) {
    return json_answer(200, *found);
  }
  const auto parsed = ApiPath::parse(path);
  if (!parsed) {
    return error_answer(no_such_path());
  }
  try {
    auto answer = dispatch(*parsed, request);
    return answer ? std::move(*answer) : error_answer(answer.error());
  } catch (const Json::exception& e) {
    // A field of an unexpected type, in an object that no rule looks into closely.
    return error_answer(ApiError::bad_request(std::string("the object is malformed: ") + e.what()));
  }
}

ApiResult<http::Response> RequestExecutor::dispatch(const ApiPath& path,
                                                    const http::Request& request) {
  const std::string& method = request.method;
  const bool collection = path.key.name.empty();
  if (method == "GET" || method == "HEAD") {
    const auto watch = request.query("watch");
    if (collection && watch && (*watch == "true" || *watch == "1")) {
      return watches_.open(path, request, wants_table(*path.type, request));
    }
    return collection ? list(path, request) : get(path, request);
  }
  if (method == "POST" && collection) {
    return create(path, request);
  }
  if ((method == "PUT" || method == "PATCH") && !collection && path.subresource != "log") {
    return change(path, request);
  }
  if (method == "DELETE" && path.subresource.empty()) {
    return collection ? remove_all(path, request) : remove(path, request);
  }
  return fail(ApiError::make(405, "MethodNotAllowed",
                             "the server does not allow this method on the requested resource"));
}

ApiResult<http::Response> RequestExecutor::get(const ApiPath& path, const http::Request& request) {
  BERTH_ASSIGN(const ObjectPtr object, store_.get(*path.type, path.key));
  if (path.subresource == "scale") {
    BERTH_ASSIGN(const Json scale, scale_of(*path.type, *object));
    return json_answer(200, scale);
  }
  if (wants_table(*path.type, request)) {
    Json table = to_table(*path.type, {object}, clock_.wall_now());
    table["metadata"]["resourceVersion"] = object->at("metadata").at("resourceVersion");
    return json_answer(200, table);
  }
  return object_answer(200, path, *object);
}

ApiResult<http::Response> RequestExecutor::list(const ApiPath& path, const http::Request& request) {
  const ResourceType& type = *path.type;
  ListQuery query;
  BERTH_ASSIGN(query.selector,
               Selector::parse(type, path.key.ns, request.query("labelSelector").value_or(""),
                               request.query("fieldSelector").value_or("")));
  if (const auto text = request.query("limit"); text && !text->empty()) {
    BERTH_ASSIGN(const std::int64_t limit, number(*text, "limit"));
    query.limit = static_cast<std::size_t>(limit);
  }
  query.continue_token = request.query("continue").value_or("");
  BERTH_ASSIGN(const ListPage page, store_.list(type, query));
  Json list;
  if (wants_table(type, request)) {
    list = to_table(type, page.items, clock_.wall_now());
  } else {
    Json items = Json::array();
    for (const ObjectPtr& object : page.items) {
      items.push_back(to_view(type, *object));
    }
    list = {{"kind", std::string(type.kind) + "List"},
            {"apiVersion", type.api_version()},
            {"items", std::move(items)}};
  }
  list["metadata"]["resourceVersion"] = std::to_string(page.version);
  if (!page.continue_token.empty()) {
    list["metadata"]["continue"] = page.continue_token;
    list["metadata"]["remainingItemCount"] = page.remaining;
  }
  return json_answer(200, list);
}

ApiResult<http::Response> RequestExecutor::create(const ApiPath& path,
                                                  const http::Request& request) {
  if (path.type->namespaced && path.key.ns.empty()) {
    return fail(ApiError::bad_request("an empty namespace may not be set during creation"));
  }
  BERTH_ASSIGN(const bool dry, dry_run(request));
  BERTH_ASSIGN(Json body, json_body(request));
  BERTH_ASSIGN(const ObjectPtr object,
               store_.create(*path.type, path.key.ns, from_view(*path.type, std::move(body)), dry));
  return object_answer(201, path, *object);
}

ApiResult<http::Response> RequestExecutor::apply_new(const ApiPath& path,
                                                     const http::Request& request, Json object) {
  BERTH_ASSIGN(const bool dry, dry_run(request));
  if (object.is_object()) {
    object["metadata"]["name"] = path.key.name;
  }
  BERTH_ASSIGN(
      const ObjectPtr created,
      store_.create(*path.type, path.key.ns, from_view(*path.type, std::move(object)), dry));
  return object_answer(201, path, *created);
}

ApiResult<http::Response> RequestExecutor::change(const ApiPath& path,
                                                  const http::Request& request) {
  Store::EditOptions options;
  options.part = path.subresource == "status" ? Part::kStatus : Part::kMain;
  options.whole = request.method == "PUT" && path.subresource != "scale";
  BERTH_ASSIGN(options.dry_run, dry_run(request));
  if (request.method == "PATCH") {
    BERTH_ASSIGN(const PatchType how, patch_type(request.headers.get("Content-Type")));
    if (how == PatchType::kApply && path.subresource.empty() && !store_.get(*path.type, path.key)) {
      BERTH_ASSIGN(Json body, json_body(request));
      return apply_new(path, request, std::move(body));
    }
  }
  BERTH_ASSIGN(const Json body, json_body(request));
  BERTH_ASSIGN(
      const ObjectPtr object,
      store_.edit(
          *path.type, path.key,
          [&](const Json& current) { return wanted(path, request, body, current); }, options));
  return path.subresource == "scale" ? json_answer(200, scale_for_update(*object))
                                     : object_answer(200, path, *object);
}

ApiResult<http::Response> RequestExecutor::remove(const ApiPath& path,
                                                  const http::Request& request) {
  BERTH_ASSIGN(const DeleteQuery query, delete_query(request));
  BERTH_ASSIGN(const DeleteOutcome outcome, store_.remove(*path.type, path.key, query));
  if (!outcome.gone || path.type->graceful) {
    return object_answer(200, path, outcome.object);
  }
  Json details = {{"name", path.key.name},
                  {"kind", path.type->plural},
                  {"uid", string_at(outcome.object, {"metadata", "uid"})}};
  if (!path.type->group.empty()) {
    details["group"] = path.type->group;
  }
  return json_answer(200, {{"kind", "Status"},
                           {"apiVersion", "v1"},
                           {"metadata", Json::object()},
                           {"status", "Success"},
                           {"details", std::move(details)}});
}

ApiResult<http::Response> RequestExecutor::remove_all(const ApiPath& path,
                                                      const http::Request& request) {
  const ResourceType& type = *path.type;
  BERTH_ASSIGN(const DeleteQuery query, delete_query(request));
  BERTH_ASSIGN(Selector selector,
               Selector::parse(type, path.key.ns, request.query("labelSelector").value_or(""),
                               request.query("fieldSelector").value_or("")));
  BERTH_ASSIGN(const ListPage page, store_.list(type, {std::move(selector), 0, ""}));
  Json items = Json::array();
  for (const ObjectPtr& object : page.items) {
    BERTH_ASSIGN(const DeleteOutcome outcome, store_.remove(type, key_of(*object), query));
    items.push_back(to_view(type, outcome.object));
  }
  return json_answer(200, {{"kind", std::string(type.kind) + "List"},
                           {"apiVersion", type.api_version()},
                           {"metadata", {{"resourceVersion", std::to_string(page.version)}}},
                           {"items", std::move(items)}});
}

}  // namespace berth::devcluster
