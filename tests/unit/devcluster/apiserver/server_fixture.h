#pragma once

#include "devcluster/apiserver/admission.h"
#include "devcluster/apiserver/server.h"
#include "tests/fakes/seeded_random.h"
#include "tests/unit/devcluster/loop_support.h"

namespace berth::devcluster {

inline constexpr const char* kToken = "a-token-for-tests-only";
inline constexpr const char* kPools = "/apis/berth.dev/v1alpha1/namespaces/default/sessionpools";
inline constexpr const char* kConfigs = "/api/v1/namespaces/default/configmaps";

/// A real server on a free port, and a client for it.
class ServerTest : public ::testing::Test {
 protected:
  ServerTest() {
    options.token = kToken;
    options.faults_endpoint = true;
  }

  void start() {
    server = std::make_unique<ApiServer>(loop, store, faults, random, Log(), options);
    const auto started = server->start();
    ASSERT_TRUE(started) << started.error().text();
    origin = "http://" + server->address();
  }

  Result<http::Response> send(const std::string& method, const std::string& target,
                              const Json& body = nullptr,
                              const std::string& type = "application/json",
                              http::CallOptions call_options = {}) {
    http::Request request;
    request.method = method;
    request.target = target;
    request.headers.set("Authorization", std::string("Bearer ") + kToken);
    if (!body.is_null()) {
      request.headers.set("Content-Type", type);
      request.body = dump_json(body);
    }
    return call(loop, *transport, origin, std::move(request), call_options);
  }
  std::pair<int, Json> ask(const std::string& method, const std::string& target,
                           const Json& body = nullptr,
                           const std::string& type = "application/json") {
    const auto answer = send(method, target, body, type);
    EXPECT_TRUE(answer) << (answer ? "" : answer.error().text());
    return answer ? std::pair(answer->status, parse_json(answer->body).value_or(Json()))
                  : std::pair(0, Json());
  }
  static Json config(const std::string& name) {
    return {{"metadata", {{"name", name}}}, {"data", {{"k", "v"}}}};
  }
  static Json pool(const std::string& name) {
    return {{"metadata", {{"name", name}}},
            {"spec",
             {{"worker", {{"image", "berth.local/worker"}}},
              {"sessions", {{"maxPerWorker", 4}}},
              {"scaling", {{"maxWorkers", 6}}}}}};
  }

  /// Opens a watch; its body is read with next_bytes().
  std::shared_ptr<http::BodySource> watch(const std::string& target) {
    auto answer = send("GET", target, nullptr, "", {.stream = true});
    EXPECT_TRUE(answer) << (answer ? "" : answer.error().text());
    EXPECT_EQ(answer->status, 200);
    return answer ? answer->body_source : nullptr;
  }
  Result<std::string> next_bytes(http::BodySource& source) {
    Result<std::string> chunk = fail(Error::internal("nothing came"));
    run_until(loop, [&](const std::function<void()>& done) {
      source.next([&chunk, done](Result<std::string> c) {
        chunk = std::move(c);
        done();
      });
    });
    return chunk;
  }
  /// The next event, put together from as many chunks as it takes.
  Json next_event(http::BodySource& source) {
    while (buffer.find('\n') == std::string::npos) {
      const auto chunk = next_bytes(source);
      if (!chunk || chunk->empty()) {
        return nullptr;
      }
      buffer += *chunk;
    }
    const std::size_t end = buffer.find('\n');
    Json event = parse_json(std::string_view(buffer).substr(0, end)).value_or(Json("not JSON"));
    buffer.erase(0, end + 1);
    return event;
  }
  static std::string brief(const Json& event) {
    return get_string(event, "type").value_or("end") + ":" +
           string_at(event, {"object", "metadata", "name"});
  }

  AsioLoop loop;
  fakes::SeededRandom random;
  Store store{loop.clock(), random, admit};
  Faults faults;
  ApiServerOptions options;
  std::unique_ptr<http::Transport> transport = http::make_beast_transport(loop);
  std::unique_ptr<ApiServer> server;
  std::string origin;
  std::string buffer;
};

}  // namespace berth::devcluster
