// A worker with C++ activities, as a user of berth::worker writes one.
#include <condition_variable>
#include <fstream>
#include <mutex>

#include "berth/worker/worker.h"

int main(int argc, char** argv) {
  using berth::Json;
  using berth::Result;
  using berth::worker::ActivityContext;
  berth::worker::WorkerOptions options;
  options.program = "function-worker";
  berth::worker::Worker worker(options);
  (void)worker.register_activity(
      "write", [](ActivityContext& ctx, const Json& input) -> Result<Json> {
        std::ofstream(ctx.directory() / "note") << input.dump();
        return Json{{"session", ctx.session_id()}, {"activity", ctx.activity_id()}};
      });
  (void)worker.register_activity("fail", [](ActivityContext&, const Json&) -> Result<Json> {
    return berth::fail(
        berth::Error::make(berth::ErrorCode::kNotFound, "FileNotFound", "no such file"));
  });
  (void)worker.register_activity(
      "until-cancelled", [](ActivityContext& ctx, const Json&) -> Result<Json> {
        ctx.progress("waiting");
        std::mutex mutex;
        std::condition_variable_any wake;
        std::unique_lock lock(mutex);
        wake.wait(lock, ctx.stop_token(), [] { return false; });
        return berth::fail(berth::Error::make(berth::ErrorCode::kCancelled, "", "asked to stop"));
      });
  return worker.run(argc, argv);
}
