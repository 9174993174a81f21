#pragma once

#include "berth/http/server.h"
#include "worker/api/request.h"
#include "worker/files/file_store.h"
#include "worker/service/worker_service.h"

namespace berth::worker {

/// GET and PUT /v1/sessions/{id}/files/{path}: files into and out of a session's directory. A GET
/// of a directory answers its listing as JSON. `service` and `store` outlive the router.
void add_file_routes(http::Router& router, WorkerService& service, FileStore& store,
                     std::int64_t max_file_bytes);

}  // namespace berth::worker
