// berth-worker: a worker whose activities are commands and HTTP calls of its configuration. For C++
// activities, write a main() like this one and register them before run().
#include "berth/worker/worker.h"

int main(int argc, char** argv) {
  berth::worker::WorkerOptions options;
  options.max_concurrent_sessions = 0;  // The configuration must say.
  berth::worker::Worker worker(options);
  return worker.run(argc, argv);
}
