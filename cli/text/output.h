#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "berth/base/json.h"
#include "cli/text/table.h"

namespace berth::cli {

/// What `-o` says: a table for people, with more columns when wide; JSON or YAML for programs;
/// names alone, one a line, as other commands take them.
enum class Output { kTable, kWide, kJson, kYaml, kName };
/// "table" for anything else: the command line has checked it.
Output parse_output(std::string_view text);

/// `data` as JSON or YAML, with a newline at the end; for the other kinds "".
std::string data_text(Output output, const Json& data);
std::string lines(const std::vector<std::string>& names);

/// Whether to colour what goes to that descriptor: a terminal that is not dumb, and NO_COLOR
/// (https://no-color.org) not set.
bool wants_colours(int fd);
/// Prints to standard output; states are coloured where wants_colours() says so.
void print(const Table& table);

}  // namespace berth::cli
