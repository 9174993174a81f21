#include "berth/base/gate.h"

#include <gtest/gtest.h>

namespace berth {
namespace {

TEST(Gate, ClosesAtOnceWhenNobodyIsInside) {
  Gate gate;
  bool empty = false;
  gate.close([&] { empty = true; });
  EXPECT_TRUE(empty);
  EXPECT_FALSE(gate.enter());
}

TEST(Gate, WaitsForTheLastPass) {
  Gate gate;
  auto a = gate.enter();
  auto b = gate.enter();
  bool empty = false;
  gate.close([&] { empty = true; });
  a.reset();
  EXPECT_FALSE(empty);
  b.reset();
  EXPECT_TRUE(empty);
}

TEST(Gate, PassesMayOutliveIt) {
  std::optional<Gate::Pass> pass;
  {
    Gate gate;
    pass = gate.enter();
  }
  pass.reset();
}

}  // namespace
}  // namespace berth
