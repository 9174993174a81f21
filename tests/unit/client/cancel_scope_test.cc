#include "client/src/cancel_scope.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace berth::client {
namespace {

TEST(CancelScope, CancelsWhatIsBelowAndNotWhatIsAbove) {
  const auto root = CancelScope::root();
  const auto middle = CancelScope::child_of(root);
  const auto leaf = CancelScope::child_of(middle);
  const auto sibling = CancelScope::child_of(root);
  middle->cancel();
  EXPECT_FALSE(root->cancelled());
  EXPECT_FALSE(sibling->cancelled());
  EXPECT_TRUE(leaf->cancelled());
}

TEST(CancelScope, ReachesBelowAScopeThatNobodyElseHolds) {
  const auto root = CancelScope::root();
  const auto leaf = CancelScope::child_of(CancelScope::child_of(root));
  root->cancel();
  EXPECT_TRUE(leaf->cancelled());
}

TEST(CancelScope, AChildOfACancelledScopeIsBornCancelled) {
  const auto root = CancelScope::root();
  root->cancel();
  EXPECT_TRUE(CancelScope::child_of(root)->cancelled());
}

TEST(CancelScope, CallsOnceAndAtOnceWhenItHasHappened) {
  const auto scope = CancelScope::root();
  int calls = 0;
  const Cancel before = scope->on_cancel([&] { ++calls; });
  scope->cancel();
  scope->cancel();
  EXPECT_EQ(calls, 1);
  const Cancel after = scope->on_cancel([&] { ++calls; });
  EXPECT_EQ(calls, 2);
}

TEST(CancelScope, ADroppedHandleDropsTheFunction) {
  const auto scope = CancelScope::root();
  auto held = std::make_shared<int>(0);
  bool called = false;
  {
    const Cancel handle = scope->on_cancel([&, held] { called = true; });
    EXPECT_EQ(held.use_count(), 2);
  }
  EXPECT_EQ(held.use_count(), 1);
  scope->cancel();
  EXPECT_FALSE(called);
}

TEST(CancelScope, AHandleMayOutliveItsScope) {
  Cancel handle;
  handle = CancelScope::root()->on_cancel([] {});
  handle.cancel();
}

TEST(CancelScope, AFunctionMayUseItsScope) {
  const auto scope = CancelScope::root();
  bool seen = false;
  Cancel inner;
  const Cancel handle = scope->on_cancel([&] {
    seen = scope->cancelled();
    inner = scope->on_cancel([] {});
    scope->forget();
  });
  scope->cancel();
  EXPECT_TRUE(seen);
}

TEST(CancelScope, ChildrenComeAndGoWhileAnotherThreadCancels) {
  const auto root = CancelScope::root();
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([root] {
      for (int i = 0; i < 1000; ++i) {
        const auto child = CancelScope::child_of(root);
        const Cancel handle = child->on_cancel([] {});
      }
    });
  }
  threads.emplace_back([root] { root->cancel(); });
  for (std::thread& t : threads) {
    t.join();
  }
  EXPECT_TRUE(CancelScope::child_of(root)->cancelled());
}

}  // namespace
}  // namespace berth::client
