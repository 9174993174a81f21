#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "berth/base/clock.h"
#include "berth/base/error.h"

namespace berth::cli {

struct RanProcess {
  int status = 0;  ///< Exit status, 128+N after signal N.
  std::string out;
  std::string err;
};

/// Runs a program and waits for its end, with our environment, terminal and standard input, so that
/// it may ask its user for a password. Output is bounded: 16 MiB, more is an error. A program that
/// takes longer than `limit` is killed.
Result<RanProcess> run_process(const std::filesystem::path& program,
                               const std::vector<std::string>& args, Duration limit);

/// The first executable file of that name in $PATH; NotFound "ProgramNotFound".
Result<std::filesystem::path> find_program(const std::string& name);

}  // namespace berth::cli
