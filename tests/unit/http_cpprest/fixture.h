#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <memory>
#include <optional>
#include <string>

#include "berth/base/event_loop.h"
#include "berth/http/cpprest_transport.h"
#include "tests/unit/http_cpprest/raw_server.h"

namespace berth::http {

using namespace std::chrono_literals;

/// A real loop, since the pool threads are real. Every wait is for an event; the guard below only
/// ends a test that would hang.
class CpprestTest : public ::testing::Test {
 protected:
  CpprestTest() {
    std::signal(SIGPIPE, SIG_IGN);
    init_cpprest_threads(4);
    transport_ = make_cpprest_transport(loop_);
  }

  /// Runs the loop until `until` is true.
  template <class Until>
  void run_until(const Until& until) {
    const Cancel guard = loop_.call_after(20s, [this] {
      ADD_FAILURE() << "nothing happened for 20 s";
      gave_up_ = true;
    });
    while (!until() && !gave_up_) {
      step();
    }
  }

  Result<Response> call(const std::string& origin, Request request, CallOptions options = {}) {
    std::optional<Result<Response>> result;
    const Cancel handle = transport_->send(origin, std::move(request), options,
                                           [&](Result<Response> r) { result = std::move(r); });
    EXPECT_FALSE(result) << "done ran inside send()";
    run_until([&] { return result.has_value(); });
    return result ? *std::move(result) : fail(Error::internal("gave up"));
  }
  Result<Response> get(const std::string& origin, const std::string& target = "/",
                       CallOptions options = {}) {
    return call(origin, Request{"GET", target, {}, "", nullptr}, options);
  }
  static CallOptions streaming() {
    CallOptions options;
    options.stream = true;
    return options;
  }
  Result<std::string> next(const std::shared_ptr<BodySource>& source) {
    std::optional<Result<std::string>> chunk;
    source->next([&](Result<std::string> c) { chunk = std::move(c); });
    EXPECT_FALSE(chunk) << "the callback ran inside next()";
    run_until([&] { return chunk.has_value(); });
    return chunk ? *std::move(chunk) : fail(Error::internal("gave up"));
  }

  AsioLoop loop_;
  std::unique_ptr<Transport> transport_;

 private:
  /// Waits for one callback of the loop and runs it.
  void step();
  bool gave_up_ = false;
};

}  // namespace berth::http
