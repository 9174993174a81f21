#pragma once

#include <string>
#include <string_view>

#include "berth/base/clock.h"

namespace berth {

/// Reads "20s", "1h30m", "250ms", "1.5h": the form of Kubernetes and Go. No sign, units h m s ms
/// us, "0" alone is allowed, at most 10 years. The error says what is accepted; the caller adds the
/// field.
Result<Duration> parse_duration(std::string_view text);

/// The shortest form that parse_duration reads back to the same value (to the microsecond):
/// "1h30m", "20s", "0s".
std::string format_duration(Duration d);

/// For JSON fields in seconds.
double to_seconds(Duration d);
Duration from_seconds(double seconds);

}  // namespace berth
