#include "tests/integration/openapi/document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>

#include "berth/base/file.h"

namespace berth::openapi {
namespace {

using ::testing::IsEmpty;
using ::testing::Not;

const Document& document() {
  static const Document it(BERTH_SOURCE_DIR "/docs/openapi.yaml");
  return it;
}

// Patterns of routes in the sources: each quoted path of the API, "{rest...}" as "{rest}".
std::set<std::string> patterns_in(const std::vector<std::filesystem::path>& files) {
  static const std::regex quoted(
      "\"(/(v1/[^\"]*[^\"/]|ui/events|healthz|readyz|metrics|drained))\"");
  std::set<std::string> out;
  for (const auto& file : files) {
    const std::string text = read_file(file).value_or("");
    for (std::sregex_iterator it(text.begin(), text.end(), quoted), end; it != end; ++it) {
      out.insert(std::regex_replace((*it)[1].str(), std::regex("\\.\\.\\.\\}"), "}"));
    }
  }
  return out;
}

std::set<std::string> documented_paths() {
  std::set<std::string> out;
  for (const auto& [path, methods] : document().methods()) {
    out.insert(path);
  }
  return out;
}

TEST(OpenApiDocument, HasNoDeadReferenceAndNoUnknownKeyword) {
  EXPECT_THAT(document().defects(), IsEmpty());
}

TEST(OpenApiDocument, ListsExactlyThePathsOfTheRoutersSources) {
  std::vector<std::filesystem::path> files = {BERTH_SOURCE_DIR "/gateway/gateway.cc"};
  for (const auto& entry : std::filesystem::directory_iterator(BERTH_SOURCE_DIR "/worker/api")) {
    if (entry.path().extension() == ".cc") {
      files.push_back(entry.path());
    }
  }
  EXPECT_EQ(patterns_in(files), documented_paths());
}

TEST(OpenApiDocument, EveryOperationSaysWhatItIsForAndWhoMayCallIt) {
  for (const auto& [path, methods] : document().methods()) {
    for (const std::string& method : methods) {
      std::string key = method;
      std::transform(key.begin(), key.end(), key.begin(), ::tolower);
      const Json& op = document().json()["paths"][path][key];
      EXPECT_TRUE(op.contains("summary")) << method << path;
      EXPECT_TRUE(op.contains("security")) << method << path;
      EXPECT_TRUE(op.contains("tags")) << method << path;
    }
  }
}

TEST(OpenApiDocument, FindsThePathOfATarget) {
  EXPECT_EQ(document().path_of("/v1/sessions?x=1"), "/v1/sessions");
  EXPECT_EQ(document().path_of("/v1/sessions/s1"), "/v1/sessions/{id}");
  EXPECT_EQ(document().path_of("/v1/sessions/s1/complete"), "/v1/sessions/{id}/complete");
  EXPECT_EQ(document().path_of("/v1/sessions/s1/files/a/b"), "/v1/sessions/{id}/files/{path}");
  EXPECT_EQ(document().path_of("/v1/nothing"), "");
}

TEST(OpenApiDocument, AnAnswerThatItDoesNotListIsAProblem) {
  const auto problems = [](int status, const char* type, const char* body) {
    return document().check_answer("POST", "/v1/cordon", status, type, body);
  };
  EXPECT_THAT(problems(409, "application/json", R"({"code": "StaleEpoch", "message": "m"})"),
              IsEmpty());
  EXPECT_THAT(problems(409, "application/json", R"({"code": "Retired", "message": "m"})"),
              Not(IsEmpty()))
      << "a code of another route";
  EXPECT_THAT(problems(404, "application/json", R"({"code": "SessionNotFound", "message": "m"})"),
              Not(IsEmpty()))
      << "a status of another route";
  EXPECT_THAT(problems(409, "text/plain", "StaleEpoch"), Not(IsEmpty()));
  EXPECT_THAT(problems(409, "application/json", "{"), Not(IsEmpty()));
  EXPECT_THAT(problems(200, "application/json", "{}"), Not(IsEmpty()));
  EXPECT_THAT(document().check_answer("PUT", "/v1/cordon", 200, "application/json", "{}"),
              Not(IsEmpty()));
}

}  // namespace
}  // namespace berth::openapi
