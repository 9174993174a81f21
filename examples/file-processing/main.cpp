#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "berth/base/file.h"
#include "berth/client/client.h"
#include "examples/file-processing/input.h"
#include "examples/file-processing/pipeline.h"
#include "examples/file-processing/progress.h"

namespace {

using namespace file_processing;

struct Arguments {
  std::string gateway;
  std::string token_file;
  std::string pool = "files";
  std::vector<std::filesystem::path> input;
  std::filesystem::path output;
  InputLimits limits;
  int parallel = 40;
};

std::string size_text(std::uintmax_t bytes) {
  char text[40];
  if (bytes < 100'000) {
    std::snprintf(text, sizeof text, "%ju bytes", bytes);
  } else {
    std::snprintf(text, sizeof text, "%.1f MB", static_cast<double>(bytes) / 1e6);
  }
  return text;
}

std::string files_text(std::size_t n) {
  return std::to_string(n) + (n == 1 ? " file" : " files");
}

void print_summary(const Tally& t, std::int64_t peak_workers, double seconds) {
  std::printf("\nSummary\n");
  std::printf("  files                     %zu, %s in, %s out, in %.1f s\n", t.files,
              size_text(t.bytes).c_str(), size_text(t.compressed_bytes).c_str(), seconds);
  std::printf("  checksums verified        %zu of %zu\n", t.verified, t.files);
  std::printf("  sessions per worker      ");
  for (const auto& [worker, sessions] : t.sessions_per_worker) {
    std::printf(" %s: %zu", worker.c_str(), sessions);
  }
  std::printf("\n  peak workers              %lld\n", static_cast<long long>(peak_workers));
  std::printf("  longest wait for a slot   %.2f s\n",
              std::chrono::duration<double>(t.longest_wait).count());
  std::printf("  creations timed out       %zu\n", t.creation_timeouts);
  std::printf("  sessions ended by system  %zu\n", t.ended_by_system);
}

int fail(const std::string& text) {
  std::fprintf(stderr, "file-processing: %s\n", text.c_str());
  return 1;
}

int run(const Arguments& a) {
  auto token = berth::read_file(a.token_file, 16384);
  if (!token) {
    return fail("--token-file: " + token.error().message);
  }
  token->erase(token->find_last_not_of(" \r\n") + 1);
  const bool own_input = !a.input.empty();
  auto input = find_input(own_input ? a.input : default_roots(), a.limits);
  if (!input) {
    return fail(input.error().text());
  }
  std::printf("Processing %s, %d at a time, each in a session of its own on pool '%s'.\n\n",
              files_text(input->files.size()).c_str(), a.parallel, a.pool.c_str());
  if (own_input && input->skipped > 0) {
    std::printf(
        "Left out: %s, empty, unreadable or beyond --max-files, --max-bytes, "
        "--max-file-bytes.\n\n",
        files_text(input->skipped).c_str());
  }
  berth::client::Client client({.gateway = a.gateway, .token = *token, .pool = a.pool});
  Pipeline pipeline(client, std::move(input->files), std::filesystem::absolute(a.output));
  const auto begun = std::chrono::steady_clock::now();
  Progress progress(client, a.pool, [&pipeline] { return pipeline.tally(); });
  pipeline.run(a.parallel);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  progress.stop();

  const Tally t = pipeline.tally();
  print_summary(t, std::max(progress.peak_workers(), t.peak_workers), seconds);
  for (const std::string& problem : t.problems) {
    std::fprintf(stderr, "FAILED %s\n", problem.c_str());
  }
  std::printf("\nThe work is done; the pool shrinks to zero.\n");
  if (!progress.watch_until_empty(std::chrono::seconds(60))) {
    return fail("the pool still has workers after a minute");
  }
  return t.failed == 0 && t.verified == t.files && t.ended_by_system == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Arguments a;
  CLI::App app{"Compresses and checks files, each in a worker session of its own."};
  app.add_option("--gateway", a.gateway, "Origin of the gateway")->required();
  app.add_option("--token-file", a.token_file, "File with the token for the gateway")->required();
  app.add_option("--pool", a.pool, "Pool of file-processing workers")->capture_default_str();
  app.add_option("--input", a.input,
                 "Folder with files to process; repeatable (default: some of /usr/share)");
  app.add_option("--output", a.output, "Folder for the results")->required();
  app.add_option("--max-files", a.limits.max_files, "Most files taken")->capture_default_str();
  app.add_option("--max-bytes", a.limits.max_bytes, "Most bytes taken")->capture_default_str();
  app.add_option("--max-file-bytes", a.limits.max_file_bytes, "Larger files are left out")
      ->capture_default_str();
  app.add_option("--parallel", a.parallel, "Sessions at a time")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  return run(a);
}
