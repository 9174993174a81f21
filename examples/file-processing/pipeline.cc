#include "examples/file-processing/pipeline.h"

#include <chrono>
#include <thread>

#include "examples/file-processing/path_text.h"

namespace file_processing {

namespace fs = std::filesystem;
using berth::Json;
using berth::client::ClientError;
using berth::client::Context;
using berth::client::ErrorKind;
using namespace std::chrono_literals;

Pipeline::Pipeline(berth::client::Client& client, std::vector<InputFile> files, fs::path output)
    : client_(client), files_(std::move(files)), output_(std::move(output)) {
  tally_.files = files_.size();
}

Tally Pipeline::tally() const {
  const std::lock_guard lock(mutex_);
  return tally_;
}

void Pipeline::run(int parallel) {
  std::vector<std::jthread> threads;
  threads.reserve(static_cast<std::size_t>(parallel));
  for (int i = 0; i < parallel; ++i) {
    threads.emplace_back([this] { work(); });
  }
}

void Pipeline::work() {
  while (const std::optional<InputFile> file = next()) {
    handle(*file);
  }
}

std::optional<InputFile> Pipeline::next() {
  const std::lock_guard lock(mutex_);
  return at_ < files_.size() ? std::optional(files_[at_++]) : std::nullopt;
}

void Pipeline::handle(const InputFile& file) {
  const auto asked = std::chrono::steady_clock::now();
  {
    const std::lock_guard lock(mutex_);
    ++tally_.opening;
  }
  // Large files may take their time: a second more for each MiB.
  const auto longest = 5min + std::chrono::seconds(file.bytes >> 20);
  const auto session =
      create_session(client_.context(),
                     {.creation_timeout = 60s,
                      .execution_timeout = std::min<std::chrono::seconds>(longest, 24h)})
          .get();
  const auto waited = std::chrono::steady_clock::now() - asked;
  {
    const std::lock_guard lock(mutex_);
    --tally_.opening;
    tally_.longest_wait = std::max<std::chrono::nanoseconds>(tally_.longest_wait, waited);
    if (session) {
      ++tally_.open;
      const std::string worker = session_info(*session)->worker;
      ++tally_.sessions_per_worker[worker];
      ++tally_.open_per_worker[worker];
      tally_.peak_workers =
          std::max(tally_.peak_workers, static_cast<std::int64_t>(tally_.open_per_worker.size()));
    }
  }
  if (!session) {
    failed(file, session.error().text(), &session.error());
    return;
  }
  const fs::path output = output_ / file.result;
  const std::string problem = steps(*session, file, output);
  const std::string worker = session_info(*session)->worker;
  (void)complete_session(*session).get();
  {
    const std::lock_guard lock(mutex_);
    --tally_.open;
    if (--tally_.open_per_worker[worker] == 0) {
      tally_.open_per_worker.erase(worker);
    }
  }
  if (!problem.empty()) {
    failed(file, problem, nullptr);
  }
}

// The three activities on the session's one worker, then the comparison. Empty: all is well.
std::string Pipeline::steps(const Context& session, const InputFile& file, const fs::path& output) {
  std::error_code ignored;
  fs::create_directories(output.parent_path(), ignored);
  Json report;
  const std::vector<std::pair<std::string, Json>> activities = {
      {"fetch", {{"path", to_text(file.path)}}},
      {"process", Json::object()},
      {"store", {{"path", to_text(output)}}}};
  for (const auto& [type, input] : activities) {
    const auto done = execute_activity(session, type, input).get();
    if (!done) {
      const std::lock_guard lock(mutex_);
      tally_.ended_by_system += done.error().kind == ErrorKind::kSessionFailed ? 1 : 0;
      return type + ": " + done.error().text();
    }
    if (type == "process") {
      report = done->result;
    }
  }
  if (berth::get_string(report, "sha256") != file_sha256(file.path)) {
    return "the worker's checksum is not the file's";
  }
  if (!same_content(file.path, output)) {
    return "what was stored does not unpack to the file";
  }
  const std::lock_guard lock(mutex_);
  ++tally_.done;
  ++tally_.verified;
  tally_.bytes += static_cast<std::uintmax_t>(berth::get_int(report, "bytes").value_or(0));
  tally_.compressed_bytes +=
      static_cast<std::uintmax_t>(berth::get_int(report, "compressedBytes").value_or(0));
  return "";
}

void Pipeline::failed(const InputFile& file, const std::string& why, const ClientError* error) {
  const std::lock_guard lock(mutex_);
  ++tally_.done;
  ++tally_.failed;
  tally_.problems.push_back(to_text(file.path) + ": " + why);
  if (error != nullptr) {
    tally_.creation_timeouts += error->kind == ErrorKind::kCreationTimeout ? 1 : 0;
  }
}

}  // namespace file_processing
