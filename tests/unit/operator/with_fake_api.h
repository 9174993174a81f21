#pragma once

#include <gtest/gtest.h>

#include "berth/kube/client.h"
#include "berth/observe/metrics.h"
#include "tests/fakes/fake_transport.h"
#include "tests/fakes/manual_loop.h"
#include "tests/fakes/seeded_random.h"

namespace berth::op {

/// For a part that talks to the API server: a test expects and answers its requests at `api_`.
class WithFakeApi : public testing::Test {
 protected:
  static kube::Config config() {
    kube::Config c;
    c.server = "http://api";
    return c;
  }

  fakes::ManualLoop loop_;
  fakes::SeededRandom random_;
  Metrics metrics_;
  fakes::FakeTransport api_{loop_};
  kube::Client client_{loop_, api_, config(), Log(), metrics_};
};

}  // namespace berth::op
