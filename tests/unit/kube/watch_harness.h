#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "berth/kube/object.h"
#include "berth/kube/reflector.h"
#include "tests/fakes/manual_loop.h"
#include "tests/fakes/seeded_random.h"
#include "tests/unit/kube/stub_transport.h"

namespace berth::kube {

inline Json pod(const std::string& name, const std::string& version, const std::string& uid = "") {
  return {{"metadata",
           {{"name", name},
            {"namespace", "x"},
            {"resourceVersion", version},
            {"uid", uid.empty() ? "uid-" + name : uid}}}};
}

inline std::string event(const std::string& type, const Json& object) {
  return Json({{"type", type}, {"object", object}}).dump() + "\n";
}

inline std::string bookmark(const std::string& version) {
  return event("BOOKMARK", {{"metadata", {{"resourceVersion", version}}}});
}

inline Json status(int code, const std::string& reason) {
  return {{"kind", "Status"}, {"code", code}, {"reason", reason}, {"message", "test"}};
}

/// A reflector's surroundings: the test plays the API server.
class WatchHarness : public ::testing::Test {
 protected:
  ReflectorSettings settings() {
    ReflectorSettings s;
    s.ns = "x";
    s.label_selector = "app=y";
    return s;
  }
  const http::Request& sent() { return transport_.last().request; }
  std::string query(const char* name) { return sent().query(name).value_or("-"); }
  bool lists() { return transport_.waiting() && !sent().query("watch"); }
  bool watches() { return transport_.waiting() && sent().query("watch"); }

  void answer(int code, const Json& body) {
    transport_.answer(http::Response::json(code, body.dump()));
    loop_.run_ready();
  }
  void answer_error(const char* reason) {
    transport_.answer(berth::fail(Error::make(ErrorCode::kUnavailable, reason, "test")));
    loop_.run_ready();
  }
  void answer_list(const std::string& version, const std::vector<Json>& items,
                   const std::string& next = "") {
    answer(200,
           {{"metadata", {{"resourceVersion", version}, {"continue", next}}}, {"items", items}});
  }
  void open_stream() {
    gone_ = std::make_shared<bool>(false);
    stream_ = std::make_shared<StubStream>(gone_);
    http::Response r;
    r.body_source = stream_;
    transport_.answer(std::move(r));
    loop_.run_ready();
  }
  void push(const std::string& bytes) {
    stream_->push(bytes);
    loop_.run_ready();
  }
  void end_stream() { push(""); }
  void cut_stream() {
    stream_->push(berth::fail(Error::make(ErrorCode::kUnavailable, "ConnectionLost", "test")));
    loop_.run_ready();
  }
  /// The server has let go of the stream and so have we.
  bool stream_dropped() {
    stream_.reset();
    return *gone_;
  }

  fakes::ManualLoop loop_;
  fakes::SeededRandom random_;
  Metrics metrics_;
  StubTransport transport_{loop_};
  Client client_{loop_, transport_, server(), Log(), metrics_};
  std::shared_ptr<StubStream> stream_;
  std::shared_ptr<bool> gone_;

 private:
  static Config server() {
    Config c;
    c.server = "http://api:1";
    return c;
  }
};

}  // namespace berth::kube
