#pragma once

#include <gtest/gtest.h>

#include "temporal/session/answers.h"
#include "temporal/state/store.h"
#include "tests/fakes/manual_loop.h"
#include "tests/fakes/seeded_random.h"
#include "tests/fakes/temp_dir.h"
#include "tests/unit/temporal/fake_pool.h"
#include "tests/unit/temporal/fake_service.h"

namespace berth::temporal {

/// Where requests for sessions of task queue "q" come.
inline constexpr const char* kRequests = "q__internal_session_creation";

/// Temporal on one side, a pool on the other, neither real.
class TemporalTest : public testing::Test {
 protected:
  std::vector<std::string> kinds() const {
    std::vector<std::string> all;
    for (const auto& o : service.outcomes) {
      all.push_back(o.kind + " " + o.token);
    }
    return all;
  }

  fakes::ManualLoop loop;
  fakes::SeededRandom random;
  fakes::TempDir dir;
  FakeService service{loop};
  FakePool pool{loop};
  Answers answers{loop, service, random, Log()};
  Store store = Store::open(dir.path() / "state", Log()).value();
  Metrics registry;
  EngineMetrics metrics{registry};
};

}  // namespace berth::temporal
