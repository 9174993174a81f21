#include "cli/worker/drain_wait.h"

#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <thread>

#include "berth/base/duration.h"
#include "berth/http/message.h"
#include "berth/kube/object.h"
#include "cli/settings/kube_session.h"
#include "cli/settings/settings.h"
#include "cli/text/table.h"
#include "cli/worker/worker_commands.h"

namespace berth::cli {
namespace {

constexpr Duration kLookEvery = std::chrono::seconds(1);
constexpr int kMostFailures = 30;
constexpr std::size_t kMostNamed = 3;

/// Sessions are worth knowing, but a drain can be followed without.
class SessionLists {
 public:
  explicit SessionLists(const Flags& flags) {
    if (Result<Connection> connection = connect(flags)) {
      connection_.emplace(*std::move(connection));
      client_.emplace(client_options(*connection_, ""));
    } else {
      std::cerr << "berth: sessions are not shown: " << printable(connection.error().text())
                << '\n';
    }
  }
  Json of(const DrainedPod& pod) {
    if (!client_) {
      return nullptr;
    }
    const auto answer = client_
                            ->get("/v1/namespaces/" + http::percent_encode(pod.ns) + "/pools/" +
                                  http::percent_encode(pod.pool) + "/sessions")
                            .get();
    const Json* sessions = answer ? find(*answer, "sessions") : nullptr;
    return sessions == nullptr ? Json() : *sessions;
  }

 private:
  std::optional<Connection> connection_;
  std::optional<client::Client> client_;
};

}  // namespace

std::string waits_for(const DrainedPod& pod, const Json& object, const Json& sessions) {
  std::size_t count = 0;
  std::string named;
  for (const Json& s : sessions.is_array() ? sessions : Json::array()) {
    if (string_at(s, {"worker", "name"}) != pod.name) {
      continue;
    }
    if (++count <= kMostNamed) {
      const std::string owner = string_at(s, {"owner"});
      named += (named.empty() ? "" : ", ") + string_at(s, {"id"}) +
               (owner.empty() ? "" : " of " + owner);
    }
  }
  if (count > kMostNamed) {
    named += " and " + std::to_string(count - kMostNamed) + " more";
  }
  if (count > 0) {
    return "waits for " + std::to_string(count) + (count == 1 ? " session: " : " sessions: ") +
           named;
  }
  if (kube::is_deleting(object)) {
    return "waits for its pod to end";
  }
  return sessions.is_array() ? "holds no session; waits for the operator to retire it"
                             : "waits for its sessions";
}

int wait_for_drain(const Flags& flags, std::vector<DrainedPod> pods, TimePoint deadline) {
  const SystemClock clock;
  const auto session = KubeSession::open(flags);
  if (!session) {
    return report(session.error());
  }
  SessionLists lists(flags);
  std::map<std::string, std::string> said;
  int failures = 0;
  for (;;) {
    for (auto pod = pods.begin(); pod != pods.end();) {
      const Result<Json> object = (*session)->get(kube::kPods, pod->name);
      const bool gone =
          object ? kube::uid_of(*object) != pod->uid : object.error().code == ErrorCode::kNotFound;
      if (gone) {
        std::cout << "worker/" << printable(pod->name) << " drained\n" << std::flush;
        pod = pods.erase(pod);
        continue;
      }
      if (!object && ++failures >= kMostFailures) {
        return report(object.error());
      }
      if (object) {
        failures = 0;
        const std::string now = waits_for(*pod, *object, lists.of(*pod));
        if (std::exchange(said[pod->uid], now) != now) {
          std::cout << "worker/" << printable(pod->name) << ' ' << printable(now) << '\n'
                    << std::flush;
        }
      }
      ++pod;
    }
    if (pods.empty()) {
      return 0;
    }
    const TimePoint now = clock.now();
    if (now >= deadline) {
      for (const DrainedPod& pod : pods) {
        std::cerr << "berth: worker " << printable(pod.name) << " has not drained in time; it "
                  << printable(said[pod.uid]) << '\n';
      }
      return kTimedOut;
    }
    std::this_thread::sleep_for(std::min(kLookEvery, deadline - now));
  }
}

}  // namespace berth::cli
