#include <filesystem>
#include <iostream>

#include "cli/command_line.h"

int main(int argc, char** argv) {
  const bool plugin = std::filesystem::path(argv[0]).filename() == "kubectl-berth";
  const auto parsed =
      berth::cli::parse_command_line({argv + 1, argv + argc}, plugin ? "kubectl berth" : "berth");
  if (parsed.arguments->run) {
    return parsed.arguments->run();
  }
  (parsed.status == 0 ? std::cout : std::cerr) << parsed.text;
  return parsed.status;
}
