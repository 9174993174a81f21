#include "berth/worker/worker.h"

#include "examples/file-processing/activities.h"

int main(int argc, char** argv) {
  berth::worker::Worker worker({.program = "file-processing-worker"});
  const auto add = [&worker](const char* name, berth::worker::ActivityFunction function) {
    return worker.register_activity(name, std::move(function)).has_value();
  };
  if (!add("fetch", file_processing::fetch) || !add("process", file_processing::process) ||
      !add("store", file_processing::store)) {
    return 1;
  }
  return worker.run(argc, argv);
}
