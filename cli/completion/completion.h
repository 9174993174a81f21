#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/settings/flags.h"

namespace CLI {
class App;
}

namespace berth::cli {

/// `berth completion bash|zsh|fish`: the script that teaches a shell to ask `berth __complete`.
std::string completion_script(const std::string& shell);

/// What can stand for a word of a command line, asked of the cluster or of this machine.
enum class Live { kPools, kWorkers, kSavedSessions };
using LiveNames = std::function<std::vector<std::string>(Live, const Flags&)>;
/// Asks for real. Whatever fails gives no names.
std::vector<std::string> live_names(Live which, const Flags& flags);

/// `berth __complete WORD...`, the last word being the one that is typed: one candidate a line,
/// with a tab and a description where there is one, then ":4", or ":0" where the shell should offer
/// files. That is cobra's protocol, so `kubectl_complete-berth` is this too.
std::string completions(const CLI::App& app, const std::vector<std::string>& words,
                        const LiveNames& names);

}  // namespace berth::cli
