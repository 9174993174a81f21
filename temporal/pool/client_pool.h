#pragma once

#include <memory>

#include "berth/client/client.h"
#include "temporal/pool/pool.h"

namespace berth::temporal {

struct ClientPoolSettings {
  Duration execution_timeout{};  ///< Of each session; the pool's limit must allow it.
  Duration heartbeat_timeout{};  ///< After which a session frees itself when nobody renews it.
  api::Resources resources{};    ///< Typed resources of each session.
};

/// A Pool by berth::client, whose thread answers: what it says is posted to `loop`. The client must
/// outlive the pool and its sessions; its context names the pool.
std::unique_ptr<Pool> make_client_pool(EventLoop& loop, client::Client& client,
                                       ClientPoolSettings settings);

}  // namespace berth::temporal
