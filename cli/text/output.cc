#include "cli/text/output.h"

#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "berth/api/session_pool.h"

namespace berth::cli {

Output parse_output(std::string_view text) {
  return text == "wide"   ? Output::kWide
         : text == "json" ? Output::kJson
         : text == "yaml" ? Output::kYaml
         : text == "name" ? Output::kName
                          : Output::kTable;
}

std::string data_text(Output output, const Json& data) {
  return output == Output::kJson   ? data.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"
         : output == Output::kYaml ? api::json_to_yaml(data)
                                   : "";
}

std::string lines(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) {
    out += printable(name) + "\n";
  }
  return out;
}

bool wants_colours(int fd) {
  const char* const no_color = std::getenv("NO_COLOR");  // NOLINT(concurrency-mt-unsafe)
  const char* const term = std::getenv("TERM");          // NOLINT(concurrency-mt-unsafe)
  return ::isatty(fd) != 0 && (no_color == nullptr || *no_color == '\0') && term != nullptr &&
         std::string_view(term) != "dumb";
}

void print(const Table& table) {
  std::cout << table.text(wants_colours(STDOUT_FILENO)) << std::flush;
}

}  // namespace berth::cli
