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
#include "tests/unit/kube/newest_call.h"

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
  const http::Request& sent() { return newest_->request(); }
  std::string query(const char* name) { return sent().query(name).value_or("-"); }
  bool lists() { return newest_.waiting() && !sent().query("watch"); }
  bool watches() { return newest_.waiting() && sent().query("watch"); }

  void answer(int code, const Json& body) {
    newest_->answer(http::Response::json(code, body.dump()));
    loop_.run_ready();
  }
  void refuse_connection() {
    newest_->fail_connect();
    loop_.run_ready();
  }
  void lose_connection() {
    newest_->fail_lost();
    loop_.run_ready();
  }
  void answer_list(const std::string& version, const std::vector<Json>& items,
                   const std::string& next = "") {
    answer(200,
           {{"metadata", {{"resourceVersion", version}, {"continue", next}}}, {"items", items}});
  }
  void open_stream() {
    const auto body = std::make_shared<fakes::FakeBody>(loop_);
    stream_ = body->writer();
    http::Response r;
    r.body_source = body;
    newest_->answer(std::move(r));
    loop_.run_ready();
  }
  void push(const std::string& bytes) {
    stream_->write(bytes);
    loop_.run_ready();
  }
  void end_stream() {
    stream_->end();
    loop_.run_ready();
  }
  void cut_stream() {
    stream_->fail(Error::make(ErrorCode::kUnavailable, "ConnectionLost", "test"));
    loop_.run_ready();
  }
  bool stream_dropped() const { return stream_->dropped(); }
  std::size_t asked() const { return transport_.sent().size(); }
  /// Time goes on until something is asked, at most the longest backoff.
  void until_asked() {
    for (int i = 0; i < 1201 && !newest_.waiting(); ++i) {
      loop_.advance(std::chrono::milliseconds(50));
    }
  }

  fakes::ManualLoop loop_;
  fakes::SeededRandom random_;
  Metrics metrics_;
  fakes::FakeTransport transport_{loop_};
  NewestCall newest_{transport_};
  Client client_{loop_, transport_, server(), Log(), metrics_};
  std::optional<fakes::FakeBody::Writer> stream_;

 private:
  static Config server() {
    Config c;
    c.server = "http://api:1";
    return c;
  }
};

}  // namespace berth::kube
