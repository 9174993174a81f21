#include "worker/api/worker_api.h"

namespace berth::worker {

WorkerApi::WorkerApi(Parts parts)
    : parts_(std::move(parts)), slots_hub_(parts_.loop, parts_.service.table(), parts_.keys) {
  parts_.service.on_slots_change([this] { slots_hub_.changed(); });
  parts_.service.on_shutdown_step([this] { on_shutdown_step(); });
}

void WorkerApi::add_routes(http::Router& router) {
  add_control_routes(router);
  add_session_routes(router);
  add_activity_routes(router);
}

}  // namespace berth::worker
