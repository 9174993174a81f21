#include <iostream>

#include "cli/command_line.h"

int main(int argc, char** argv) {
  const auto parsed = berth::cli::parse_command_line({argv + 1, argv + argc});
  if (parsed.arguments->run) {
    return parsed.arguments->run();
  }
  (parsed.status == 0 ? std::cout : std::cerr) << parsed.text;
  return parsed.status;
}
