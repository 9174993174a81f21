#include <gtest/gtest.h>

#include <algorithm>

#include "berth/api/session_pool.h"

namespace berth::api {
namespace {

// Line by line, so that the tests below can replace one and expect its number in the error.
const std::vector<std::string> kPool = {
    /* 1*/ "# files, four sessions a worker",
    /* 2*/ "apiVersion: berth.dev/v1alpha1",
    /* 3*/ "kind: SessionPool",
    /* 4*/ "metadata:",
    /* 5*/ "  name: files",
    /* 6*/ "spec:",
    /* 7*/ "  worker:",
    /* 8*/ "    exec: true",
    /* 9*/ "    activities:",
    /*10*/ "    - name: fetch",
    /*11*/ "      command: [cp, a, b]",
    /*12*/ "    - {name: count, command: [wc]}",
    /*13*/ "  sessions:",
    /*14*/ "    maxPerWorker: 4",
    /*15*/ "    resources: {gpu: 1, nvidia.com: 2}",
    /*16*/ "    defaults: {heartbeatTimeout: 20s}",
    /*17*/ "  scaling:",
    /*18*/ "    maxWorkers: 6",
    /*19*/ "    freeSlots: 25%",
};

std::string joined(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) {
    out += line + "\n";
  }
  return out;
}

std::string pools_error(std::string_view text) {
  const auto r = read_pools_yaml(text, "pool.yaml");
  return r ? "" : r.error().message;
}

std::string error_with_line(std::size_t number, const std::string& line) {
  std::vector<std::string> lines = kPool;
  lines.at(number - 1) = line;
  return pools_error(joined(lines));
}

TEST(ReadPoolsYaml, ReadsAPoolThatParses) {
  const auto pools = read_pools_yaml(joined(kPool), "pool.yaml");
  ASSERT_TRUE(pools) << pools.error().text();
  ASSERT_EQ(pools->size(), 1u);
  const auto pool = SessionPool::parse(pools->at(0));
  ASSERT_TRUE(pool);
  EXPECT_EQ(pool->worker.activities.at(1).name, "count");
  EXPECT_EQ(pool->scaling.free_slots, (IntOrPercent{25, true}));
}

TEST(ReadPoolsYaml, ReadsSeveralDocumentsAndSkipsEmptyOnes) {
  const std::string one = joined(kPool);
  const auto pools = read_pools_yaml("---\n" + one + "---\n# nothing\n---\n" + one + "...\n", "f");
  ASSERT_TRUE(pools) << pools.error().text();
  EXPECT_EQ(pools->size(), 2u);
}

TEST(ReadPoolsYaml, CountsLinesThroughSeveralDocuments) {
  std::vector<std::string> lines = kPool;
  lines.push_back("---");
  lines.insert(lines.end(), kPool.begin(), kPool.end());
  lines.at(20 + 17) = "    maxWorkers: 0";
  EXPECT_EQ(pools_error(joined(lines)),
            "pool.yaml:38:5: spec.scaling.maxWorkers: must be between 1 and 100000, is 0");
}

TEST(ReadPoolsYaml, ReadsJsonToo) {
  const std::string json =
      "{\n\t\"apiVersion\": \"berth.dev\\/v1alpha1\", \"kind\": \"SessionPool\",\n"
      "\t\"metadata\": {\"name\": \"p\"},\n"
      "\t\"spec\": {\"sessions\": {\"maxPerWorker\": %},\n"
      "\t\t\"scaling\": {\"maxWorkers\": 1}}\n}\n";
  const auto with = [&](const std::string& value) {
    std::string text = json;
    return text.replace(text.find('%'), 1, value);
  };
  EXPECT_EQ(pools_error(with("1")), "");
  EXPECT_EQ(pools_error(with("\"1\"")),
            "pool.yaml:4:24: spec.sessions.maxPerWorker: must be an integer");
}

TEST(ReadPoolsYaml, WantsAtLeastOnePool) {
  EXPECT_EQ(pools_error(""), "pool.yaml:1:1: has no SessionPool in it");
  EXPECT_EQ(pools_error("# only a comment\n---\n"), "pool.yaml:1:1: has no SessionPool in it");
}

struct BadLine {
  std::size_t number;
  const char* line;
  const char* error;
};

class BadLines : public testing::TestWithParam<BadLine> {};

TEST_P(BadLines, AreRefusedWithLineColumnAndField) {
  EXPECT_EQ(error_with_line(GetParam().number, GetParam().line),
            std::string("pool.yaml:") + GetParam().error);
}

INSTANTIATE_TEST_SUITE_P(
    Table, BadLines,
    testing::Values(
        BadLine{3, "kind: Pod", "3:1: kind: must be SessionPool, is 'Pod'"},
        BadLine{3, "", "2:1: kind: is required"},
        BadLine{5, "  name: Files",
                "5:3: metadata.name: must be 1 to 50 characters of a-z, 0-9 and '-', beginning and "
                "ending with a letter or digit; pod names are made from it"},
        BadLine{8, "    exec: yes", "8:5: spec.worker.exec: must be true or false"},
        BadLine{8, "    exec: \"true\"", "8:5: spec.worker.exec: must be true or false"},
        BadLine{
            10, "    - name: a b",
            "10:7: spec.worker.activities[0].name: must be 1 to 63 characters of A-Z, a-z, 0-9, "
            "'_', '.' and '-'"},
        BadLine{11, "      command: [sleep, 5]",
                "11:24: spec.worker.activities[0].command[1]: must be a string; quote numbers and "
                "booleans"},
        BadLine{12, "    - {name: fetch, command: [wc]}",
                "12:8: spec.worker.activities[1].name: 'fetch' is already used above"},
        BadLine{12, "    - {name: count}",
                "12:7: spec.worker.activities[1]: must have exactly one of command and http"},
        BadLine{14, "    maxPerWorker: 0",
                "14:5: spec.sessions.maxPerWorker: must be between 1 and 10000, is 0"},
        BadLine{14, "", "13:3: spec.sessions.maxPerWorker: is required"},
        BadLine{15, "    resources: {gpu: 1, nvidia.com: x}",
                "15:25: spec.sessions.resources.nvidia.com: must be an integer"},
        BadLine{16, "    defaults: {heartbeatTimeout: 20}",
                "16:16: spec.sessions.defaults.heartbeatTimeout: must be a duration as text, like "
                "\"20s\""},
        BadLine{17, "  scalling:", "6:1: spec.scaling: is required"},
        BadLine{18, "    maxWorkers: 6\n    minWorkers: 7",
                "19:5: spec.scaling.minWorkers: must be at most maxWorkers (6), is 7"},
        BadLine{
            19, "    freeslots: 2",
            "19:5: spec.scaling.freeslots: is not a known field; known here: minWorkers, "
            "maxWorkers, freeSlots, scaleToZeroAfter, placement, tolerance, scaleUp, scaleDown, "
            "paused, schedules"},
        BadLine{19, "    maxWorkers: 7",
                "19:5: the key 'maxWorkers' is already used above in this map"},
        BadLine{19, "    freeSlots: [", "20:1: not valid YAML: end of sequence flow not found"},
        BadLine{19, "\tfreeSlots: 1",
                "19:1: not valid YAML: illegal tab when looking for indentation"},
        BadLine{1, "just text\n---", "1:1: must be a SessionPool"}));

}  // namespace
}  // namespace berth::api
