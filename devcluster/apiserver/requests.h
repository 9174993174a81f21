#pragma once

#include "berth/base/random.h"
#include "berth/http/message.h"
#include "devcluster/apiserver/api_request.h"
#include "devcluster/apiserver/store.h"
#include "devcluster/apiserver/watch_hub.h"

namespace berth::devcluster {

/// Carries out one authenticated request of the Kubernetes API on the store and makes its answer.
/// No state of its own.
class RequestExecutor {
 public:
  RequestExecutor(const Clock& clock, Store& store, WatchHub& watches)
      : clock_(clock), store_(store), watches_(watches) {}

  /// `path` is the request's without the token prefix and the query.
  http::Response execute(const http::Request& request, std::string_view path);

 private:
  ApiResult<http::Response> dispatch(const ApiPath& path, const http::Request& request);
  ApiResult<http::Response> get(const ApiPath& path, const http::Request& request);
  ApiResult<http::Response> list(const ApiPath& path, const http::Request& request);
  ApiResult<http::Response> create(const ApiPath& path, const http::Request& request);
  ApiResult<http::Response> change(const ApiPath& path, const http::Request& request);
  ApiResult<http::Response> apply_new(const ApiPath& path, const http::Request& request,
                                      Json object);
  ApiResult<http::Response> remove(const ApiPath& path, const http::Request& request);
  ApiResult<http::Response> remove_all(const ApiPath& path, const http::Request& request);

  const Clock& clock_;
  Store& store_;
  WatchHub& watches_;
};

http::Response error_answer(const ApiError& error);
/// 404 for a path that names nothing here.
ApiError no_such_path();

}  // namespace berth::devcluster
