#pragma once

#include <functional>
#include <string>

#include "berth/base/error.h"

namespace berth::cli {

/// Runs `open` in a child process that stays behind, detached from the terminal, until process
/// `pid` has ended; then runs `close` there. Returns in the parent once `open` has answered: its
/// text (the session's id) or its error. Must be called before the process has any other thread.
Result<std::string> keep_while_running(int pid, const std::function<Result<std::string>()>& open,
                                       const std::function<void()>& close);

}  // namespace berth::cli
