// bench-sessions --gateway HOST:PORT... --sessions PATH --token-file FILE --callers N
//                (--each N | --rate R --seconds S)
//
// Opens sessions through several gateways at once, an equal share of the callers at each. Prints
// one JSON object. With --each every caller opens N and keeps them; they are completed when a line
// comes on stdin, so that somebody else can count them meanwhile. With --rate sessions begin at
// random times, R a second over all gateways, and are completed at once.
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <future>
#include <iostream>

#include "berth/base/file.h"
#include "berth/base/json.h"
#include "tests/bench/load/generator.h"

namespace {

using namespace berth;
using namespace berth::bench;

struct Options {
  std::vector<std::string> gateways;
  std::string sessions;
  std::string token_file;
  int callers = 40;
  int each = 0;
  double rate = 0;
  int seconds = 0;
};

Result<std::vector<Target>> targets_of(const Options& options) {
  BERTH_ASSIGN(std::string token, read_file(options.token_file, 64u << 10));
  token.erase(token.find_last_not_of(" \n") + 1);
  std::vector<Target> out;
  for (const std::string& gateway : options.gateways) {
    const std::size_t colon = gateway.rfind(':');
    if (colon == std::string::npos) {
      return fail(Error::invalid("--gateway", "must be HOST:PORT, is " + gateway));
    }
    out.push_back({gateway.substr(0, colon),
                   static_cast<std::uint16_t>(std::stoi(gateway.substr(colon + 1))),
                   options.sessions, token, true});
  }
  return out;
}

// Each gateway is loaded from a thread of its own.
Result<std::vector<LoadResult>> load_all(const Options& options,
                                         const std::vector<Target>& targets) {
  const int connections = options.callers / static_cast<int>(targets.size());
  std::vector<std::future<Result<LoadResult>>> running;
  for (const Target& target : targets) {
    running.push_back(std::async(std::launch::async, [&options, &targets, &target, connections] {
      return options.each > 0
                 ? create_all(target, connections, options.each)
                 : open_loop(target, options.rate / static_cast<double>(targets.size()),
                             connections, std::chrono::seconds(options.seconds));
    }));
  }
  std::vector<LoadResult> out;
  for (auto& one : running) {
    BERTH_ASSIGN(LoadResult result, one.get());
    out.push_back(std::move(result));
  }
  return out;
}

void print(const std::vector<LoadResult>& results) {
  LoadResult all;
  for (const LoadResult& one : results) {
    all.seconds = std::max(all.seconds, one.seconds);
    all.failed += one.failed;
    all.first_failure = all.first_failure.empty() ? one.first_failure : all.first_failure;
    all.create_ms.insert(all.create_ms.end(), one.create_ms.begin(), one.create_ms.end());
  }
  std::cout << dump_json({{"created", all.create_ms.size()},
                          {"failed", all.failed},
                          {"firstFailure", all.first_failure},
                          {"seconds", all.seconds},
                          {"p50Millis", all.create_percentile(0.5)},
                          {"p99Millis", all.create_percentile(0.99)}})
            << std::endl;
}

Status run(const Options& options) {
  BERTH_ASSIGN(const auto targets, targets_of(options));
  BERTH_ASSIGN(const auto results, load_all(options, targets));
  print(results);
  if (options.each == 0) {
    return {};
  }
  std::string line;
  std::getline(std::cin, line);
  for (std::size_t i = 0; i < targets.size(); ++i) {
    BERTH_TRY(complete_all(targets[i], results[i].created));
  }
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);
  Options options;
  CLI::App app{"Opens sessions through several gateways at once."};
  app.add_option("--gateway", options.gateways, "HOST:PORT; repeat for each")->required();
  app.add_option("--sessions", options.sessions, "/v1/namespaces/N/pools/P/sessions")->required();
  app.add_option("--token-file", options.token_file, "The caller's token")->required();
  app.add_option("--callers", options.callers, "Over all gateways")->check(CLI::Range(1, 10'000));
  auto* each = app.add_option("--each", options.each, "Sessions that a caller opens and keeps");
  auto* rate = app.add_option("--rate", options.rate, "Sessions a second")->excludes(each);
  app.add_option("--seconds", options.seconds, "How long --rate lasts")->needs(rate);
  CLI11_PARSE(app, argc, argv);
  if (const auto done = run(options); !done) {
    std::cerr << "bench-sessions: " << done.error().text() << "\n";
    return 1;
  }
  return 0;
}
