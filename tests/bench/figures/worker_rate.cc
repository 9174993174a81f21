#include "berth/auth/control_token.h"
#include "berth/base/event_loop.h"
#include "berth/base/file.h"
#include "tests/bench/figures/figures.h"
#include "tests/bench/figures/rate_comparison.h"
#include "tests/bench/stand/echo.h"
#include "tests/bench/stand/usage.h"

namespace berth::bench {

Status measure_worker_rate(const Places& places, Report& report) {
  const std::filesystem::path dir = places.dir / "worker";
  std::error_code ignored;
  std::filesystem::remove_all(dir, ignored);
  std::filesystem::create_directories(dir, ignored);

  SystemRandom random;
  BERTH_ASSIGN(auth::SigningKey key, auth::SigningKey::generate(auth::Scope::kCreate, random));
  BERTH_TRY(write_file_atomic(dir / "jwks.json", auth::make_jwks({&key})));
  const Json config = {{"name", "bench"},
                       {"uid", "bench"},
                       {"listen", "127.0.0.1:0"},
                       {"probeListen", "127.0.0.1:0"},
                       {"stateDir", (dir / "state").string()},
                       {"sessionDir", (dir / "sessions").string()},
                       {"jwks", (dir / "jwks.json").string()},
                       {"sessions", {{"maxPerWorker", 1000}}}};
  BERTH_TRY(write_file_atomic(dir / "worker.yaml", dump_json(config)));

  Child::Spec spec{"worker", places.bin / "berth-worker", {}, dir, server_core()};
  spec.args = {"--config",    (dir / "worker.yaml").string(), "--log-format", "json",
               "--port-file", Child::port_file(spec).string()};
  BERTH_ASSIGN(const auto worker, Child::start(spec));
  const AsioLoop clock_owner;
  auth::TokenSigner signer(std::move(key), "bench", clock_owner.clock());
  const auto port = static_cast<std::uint16_t>(get_int(worker->ports(), "port").value_or(0));
  const Target target{"127.0.0.1", port, "/v1/sessions", signer.token("bench"), false};
  BERTH_ASSIGN(const Echo echo, Echo::like(target, places.bin, dir));
  BERTH_ASSIGN(const Comparison result,
               compare_rates({target, worker->pid()}, {echo.target(), echo.pid()}, report));
  return report.add({"worker create+complete, share of a bare Beast echo", result.ratio, "ratio",
                     Figure::Wanted::kAtLeast, 0.5});
}

}  // namespace berth::bench
