#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "berth/base/event_loop.h"
#include "berth/base/random.h"
#include "berth/http/server.h"
#include "berth/observe/log.h"
#include "devcluster/apiserver/access_reviews.h"
#include "devcluster/apiserver/faults.h"
#include "devcluster/apiserver/store.h"

namespace berth::devcluster {

/// Serves GET /api/v1/namespaces/<ns>/pods/<name>/log, which only the node can answer.
using PodLogFn = std::function<void(const Json& pod, const std::shared_ptr<http::Exchange>&)>;

struct ApiServerOptions {
  std::string address = "127.0.0.1:0";
  /// Callers prove themselves with "Authorization: Bearer <token>" or, since kubectl sends no token
  /// over plain HTTP, with the path prefix "/k/<token>". At least 16 characters.
  std::string token = {};
  bool faults_endpoint = false;  ///< POST /_faults; for tests of real binaries only.
  Duration bookmark_interval = std::chrono::seconds(15);
  PodLogFn pod_log = {};
};

/// The HTTP face of a Store, as kubectl, our operator and our gateway expect it. Loop thread only.
class ApiServer {
 public:
  /// All must outlive the server.
  ApiServer(AsioLoop& loop, Store& store, Faults& faults, Random& random, Log log,
            ApiServerOptions options);
  ~ApiServer();  ///< Cuts every connection.
  ApiServer(const ApiServer&) = delete;
  ApiServer& operator=(const ApiServer&) = delete;

  /// Starts to listen. A port in use is kConflict.
  Status start();
  /// "127.0.0.1:7070", with the real port.
  const std::string& address() const;
  /// A kubeconfig for kubectl and for our own programs. Holds the token: keep it private.
  std::string kubeconfig() const;

  /// Whose tokens TokenReviews know, and what they may do. Empty at first.
  AccessReviews& access_reviews();

  /// Ends all watches: cleanly, or as a cut connection.
  void close_watches(bool abruptly);
  std::size_t watches() const;
  /// Ends watches, lets requests finish, then `done`.
  void stop(std::function<void()> done);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace berth::devcluster
