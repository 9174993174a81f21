#pragma once

#include <string>

#include "berth/base/error.h"

namespace berth::api {

/// The error of a result, or one that says that there was none; no need to look first.
template <class T>
Error error_in(const Result<T>& result) {
  return result ? Error::invalid("no error", "it was accepted") : result.error();
}

}  // namespace berth::api
