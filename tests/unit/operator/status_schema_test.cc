// What the operator writes and what the API server keeps are two texts about one thing: a field
// that the schema does not have is dropped without a word.
#include <gtest/gtest.h>

#include "berth/api/session_pool.h"
#include "berth/base/file.h"
#include "operator/status/status.h"
#include "tests/unit/operator/pool_builder.h"

namespace berth::op {
namespace {

using namespace std::chrono_literals;

Json schema() {
  const auto text = read_file(BERTH_CRD_FILE, 1u << 20);
  EXPECT_TRUE(text) << text.error().text();
  const auto crd = api::yaml_to_json(*text, BERTH_CRD_FILE);
  EXPECT_TRUE(crd) << crd.error().text();
  return (*crd)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"];
}

bool is_of(const Json& value, const std::string& type) {
  return type == "object"    ? value.is_object()
         : type == "array"   ? value.is_array()
         : type == "integer" ? value.is_number_integer()
                             : value.is_string();
}

/// Notes each field of `value` that the schema has; those that it has not are failures.
void follow(const Json& value, const Json& schema, const std::string& path,
            std::set<std::string>& written) {
  ASSERT_FALSE(schema.is_null()) << path << " is not in the schema";
  EXPECT_TRUE(is_of(value, schema.value("type", ""))) << path << ": " << value.dump();
  written.insert(path);
  if (const Json* words = find(schema, "enum")) {
    EXPECT_NE(std::find(words->begin(), words->end(), value), words->end())
        << path << ": " << value;
  }
  if (value.is_object()) {
    for (const auto& [key, inner] : value.items()) {
      const Json* field = find_path(schema, {"properties", key});
      follow(inner, field != nullptr ? *field : Json(), path + "." + key, written);
    }
  } else if (value.is_array()) {
    for (const Json& item : value) {
      follow(item, schema.at("items"), path + "[]", written);
    }
  }
}

void all_fields(const Json& schema, const std::string& path, std::set<std::string>& out) {
  out.insert(path);
  if (const Json* properties = find(schema, "properties")) {
    for (const auto& [key, inner] : properties->items()) {
      all_fields(inner, path + "." + key, out);
    }
  }
  if (const Json* items = find(schema, "items")) {
    all_fields(*items, path + "[]", out);
  }
}

TEST(StatusSchema, HasWhatIsWrittenAndNothingElse) {
  PoolBuilder b;
  b.add(3);
  b.wait(2);
  const Plan p = b.plan();
  const PoolCounts n = count(b.o, p, b.now);
  std::set<std::string> written;
  const Json status = make_status(b.o, p, n, {true, ""}, nullptr, WallTime(1s));
  follow(status, schema(), "status", written);
  follow(make_invalid_status(status, 2, Error::invalid("spec.x", "is wrong"), WallTime(2s)),
         schema(), "status", written);
  std::set<std::string> declared;
  all_fields(schema(), "status", declared);
  EXPECT_EQ(written, declared);
}

TEST(StatusSchema, EveryFieldHasADescription) {
  std::vector<Json> left = {schema()};
  int seen = 0;
  while (!left.empty()) {
    const Json s = left.back();
    left.pop_back();
    EXPECT_FALSE(s.value("description", "").empty()) << s.dump();
    ++seen;
    const Json properties = s.value("properties", Json::object());
    for (const auto& [key, inner] : properties.items()) {
      left.push_back(inner);
    }
    if (s.contains("items")) {
      left.push_back(s["items"]);
    }
  }
  EXPECT_GT(seen, 20);
}

}  // namespace
}  // namespace berth::op
