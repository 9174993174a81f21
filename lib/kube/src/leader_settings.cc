#include "berth/base/duration.h"
#include "berth/kube/leader.h"
#include "lib/kube/src/lease_record.h"

namespace berth::kube {

Status LeaderSettings::check() const {
  if (name.empty() || ns.empty() || identity.empty()) {
    return fail(Error::invalid("leaderElection", "namespace, name and identity must be given"));
  }
  if (retry <= Duration::zero()) {
    return fail(Error::invalid("leaderElection.retry", "must be above 0"));
  }
  if (to_seconds(renew_deadline) <= kStandbyJitter * to_seconds(retry)) {
    return fail(Error::invalid("leaderElection.renewDeadline",
                               "must be above 1.2 times the retry, " + format_duration(retry)));
  }
  if (lease <= renew_deadline) {
    return fail(Error::invalid("leaderElection.lease", "must be above the renew deadline, " +
                                                           format_duration(renew_deadline)));
  }
  return {};
}

}  // namespace berth::kube
