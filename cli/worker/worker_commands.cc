#include "cli/worker/worker_commands.h"

#include <iostream>

#include "berth/api/session_pool.h"
#include "berth/base/duration.h"
#include "berth/kube/object.h"
#include "cli/settings/kube_session.h"
#include "cli/text/table.h"
#include "cli/worker/drain_wait.h"

namespace berth::cli {
namespace {

constexpr const char* kByUs = "berth";

// The pod, if it is a worker of a pool.
Result<Json> get_worker(KubeSession& session, const std::string& name) {
  BERTH_ASSIGN(Json pod, session.get(kube::kPods, name));
  if (kube::label_of(pod, api::kPoolLabel).empty()) {
    return fail(Error::invalid("WORKER", "pod " + name + " is no worker of a session pool"));
  }
  return pod;
}

// Only the pod that was looked at is changed, not one that has taken its name since.
Result<Json> annotate(KubeSession& session, const Json& pod, const Json& annotations) {
  return session.merge_patch(
      kube::kPods, kube::name_of(pod),
      {{"metadata", {{"uid", kube::uid_of(pod)}, {"annotations", annotations}}}});
}

bool has(const Json& pod, const char* annotation) {
  return !kube::annotation_of(pod, annotation).empty();
}

int each(const Flags& flags, const std::vector<std::string>& workers,
         const std::function<Result<std::string>(KubeSession&, const Json& pod)>& change) {
  const auto session = KubeSession::open(flags);
  if (!session) {
    return report(session.error());
  }
  int status = 0;
  for (const std::string& name : workers) {
    const Result<std::string> done = get_worker(**session, name).and_then([&](const Json& pod) {
      return change(**session, pod);
    });
    if (done) {
      std::cout << "worker/" << printable(name) << ' ' << *done << '\n';
    } else {
      const int failed = report(done.error());
      status = status == 0 ? failed : status;
    }
  }
  return status;
}

}  // namespace

int cordon(const Flags& flags, const std::vector<std::string>& workers) {
  return each(flags, workers, [](KubeSession& session, const Json& pod) -> Result<std::string> {
    if (kube::is_deleting(pod)) {
      return std::string("is going already and takes no new session");
    }
    if (has(pod, api::kCordonAnnotation)) {
      return std::string("already cordoned");
    }
    BERTH_TRY(annotate(session, pod, {{api::kCordonAnnotation, kByUs}}));
    return std::string("cordoned");
  });
}

int uncordon(const Flags& flags, const std::vector<std::string>& workers) {
  return each(flags, workers, [](KubeSession& session, const Json& pod) -> Result<std::string> {
    if (kube::is_deleting(pod)) {
      return fail(Error::make(
          ErrorCode::kConflict, "Terminating",
          "worker " + kube::name_of(pod) + " is going already, which cannot be taken back"));
    }
    if (!has(pod, api::kCordonAnnotation) && !has(pod, api::kDrainAnnotation)) {
      return std::string("already uncordoned");
    }
    BERTH_TRY(annotate(session, pod,
                       {{api::kCordonAnnotation, nullptr}, {api::kDrainAnnotation, nullptr}}));
    return std::string("uncordoned");
  });
}

int drain(const Flags& flags, const std::vector<std::string>& workers, const DrainFlags& drain) {
  const Result<Duration> timeout = parse_duration(drain.timeout);
  if (!timeout) {
    return report(Error::invalid("--timeout", timeout.error().message));
  }
  const TimePoint begun = SystemClock().now();
  std::vector<DrainedPod> pods;
  const int status =
      each(flags, workers, [&](KubeSession& session, const Json& pod) -> Result<std::string> {
        pods.push_back({kube::name_of(pod), kube::uid_of(pod), kube::label_of(pod, api::kPoolLabel),
                        kube::namespace_of(pod)});
        if (kube::is_deleting(pod)) {
          return std::string("is going already");
        }
        if (has(pod, api::kDrainAnnotation)) {
          return std::string("already draining");
        }
        BERTH_TRY(annotate(session, pod, {{api::kDrainAnnotation, kByUs}}));
        return std::string("draining");
      });
  if (!drain.wait || pods.empty()) {
    return status;
  }
  const bool forever = *timeout <= Duration(0);
  const int waited = wait_for_drain(flags, pods, forever ? TimePoint::max() : begun + *timeout);
  return waited != 0 ? waited : status;
}

}  // namespace berth::cli
