#pragma once

#include <string>
#include <vector>

#include "cli/settings/settings.h"

/// `berth cordon|uncordon|drain WORKER...`: a person's word to the operator, as annotations on the
/// worker pods. Each worker is tried; the status is that of the first that failed.
namespace berth::cli {

/// A drain's --timeout passed first, as timeout(1) says it.
inline constexpr int kTimedOut = 124;

int cordon(const Flags& flags, const std::vector<std::string>& workers);
/// Takes cordon and drain back.
int uncordon(const Flags& flags, const std::vector<std::string>& workers);

struct DrainFlags {
  bool wait = false;           ///< Until the pods are gone.
  std::string timeout = "0s";  ///< With `wait`: at most so long; "0s": for ever.
};
/// Says what it waits for each time that changes.
int drain(const Flags& flags, const std::vector<std::string>& workers, const DrainFlags& drain);

}  // namespace berth::cli
