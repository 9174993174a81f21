#include "berth/worker/worker.h"

int main(int argc, char** argv) {
  berth::worker::Worker worker({.program = "own-worker"});
  const auto added = worker.register_activity(
      "hello",
      [](berth::worker::ActivityContext&, const berth::Json& input) -> berth::Result<berth::Json> {
        return berth::Json{{"hello", input}};
      });
  return added ? worker.run(argc, argv) : 1;
}
