#include "berth/client/future.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace berth::client {
namespace {

tl::unexpected<ClientError> an_error() {
  ClientError e;
  e.kind = ErrorKind::kCancelled;
  return tl::unexpected<ClientError>(e);
}

TEST(Future, GivesTheFirstAnswerAndNoOther) {
  Promise<int> promise;
  const Future<int> future = promise.future();
  EXPECT_FALSE(future.is_ready());
  promise.set(1);
  promise.set(2);
  promise.set(an_error());
  EXPECT_EQ(future.get().value(), 1);
}

TEST(Future, ATemporaryGivesACopyThatStays) {
  const auto& outcome =
      [] {
        Promise<std::string> promise;
        promise.set(std::string(100, 'x'));
        return promise;
      }()
          .future()
          .get();
  EXPECT_EQ(outcome.value(), std::string(100, 'x'));
}

TEST(Future, WakesThoseWhoWaitOnOtherThreads) {
  Promise<int> promise;
  std::vector<std::thread> threads;
  std::vector<int> got(4);
  for (int& one : got) {
    threads.emplace_back([&one, future = promise.future()] { one = future.get().value(); });
  }
  promise.set(7);
  for (std::thread& t : threads) {
    t.join();
  }
  EXPECT_EQ(got, std::vector<int>(4, 7));
}

TEST(Future, WaitForTellsWhetherTheAnswerCame) {
  Promise<int> promise;
  EXPECT_FALSE(promise.future().wait_for(std::chrono::nanoseconds(1)));
  promise.set(1);
  EXPECT_TRUE(promise.future().wait_for(std::chrono::nanoseconds(1)));
}

TEST(Future, CallbacksMayUseTheFutureThatCallsThem) {
  Promise<int> promise;
  const Future<int> future = promise.future();
  int sum = 0;
  future.then([&, future](const Outcome<int>& outcome) {
    sum += outcome.value() + future.get().value();
    future.then([&](const Outcome<int>& again) { sum += again.value(); });
    future.cancel();
    promise.set(99);
  });
  promise.set(2);
  EXPECT_EQ(sum, 6);
}

TEST(Future, ACallbackOnAnAnsweredFutureRunsAtOnce) {
  Promise<int> promise;
  promise.set(3);
  int got = 0;
  promise.future().then([&](const Outcome<int>& outcome) { got = outcome.value(); });
  EXPECT_EQ(got, 3);
}

TEST(Future, CancelRunsTheHookOnlyWhileTheAnswerIsOut) {
  Promise<int> promise;
  int cancels = 0;
  promise.on_cancel([&] { ++cancels; });
  promise.future().cancel();
  promise.set(1);
  promise.future().cancel();
  EXPECT_EQ(cancels, 1);
}

TEST(Future, TheHookMayAnswer) {
  Promise<int> promise;
  promise.on_cancel([promise] { promise.set(an_error()); });
  promise.future().cancel();
  EXPECT_EQ(promise.future().get().error().kind, ErrorKind::kCancelled);
}

// What a hook or callback holds, often the future itself, lives until the answer and no longer.
TEST(Future, AnsweringLetsGoOfHookAndCallbacks) {
  auto held = std::make_shared<int>(0);
  Promise<int> promise;
  promise.on_cancel([held, promise] {});
  promise.future().then([held, future = promise.future()](const auto&) {});
  EXPECT_EQ(held.use_count(), 3);
  promise.set(1);
  EXPECT_EQ(held.use_count(), 1);
  promise.on_cancel([held] {});
  EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace berth::client
