#include <gtest/gtest.h>

#include "devcluster/node/address_range.h"
#include "devcluster/node/environment.h"
#include "devcluster/node/log_file.h"
#include "devcluster/node/mounts.h"
#include "devcluster/node/plain_path.h"
#include "devcluster/node/readiness.h"
#include "tests/fakes/manual_loop.h"
#include "tests/unit/devcluster/loop_support.h"

namespace berth::devcluster {
namespace {

TEST(MountsTest, ReplacesPathsAndNothingThatOnlyLooksLikeThem) {
  Mounts mounts;
  mounts.add("/data", "/host/a");
  mounts.add("/data/cache/", "/host/b");
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"/data", "/host/a"},
      {"/data/x", "/host/a/x"},
      {"--dir=/data/x", "--dir=/host/a/x"},
      {"/data/cache/y:/data/z", "/host/b/y:/host/a/z"},
      {"cat /data/a; ls /data", "cat /host/a/a; ls /host/a"},
      {"/database", "/database"},
      {"/srv/data", "/srv/data"},
      {"x/data", "x/data"},
      {"/data.old", "/data.old"},
      {"", ""}};
  for (const auto& [text, wanted] : cases) {
    EXPECT_EQ(mounts.translate(text), wanted) << text;
  }
}

TEST(EnvironmentTest, ReferencesExpandAsInKubernetes) {
  const Environment env = {{"A", "1"}, {"B", "two"}};
  const std::vector<std::pair<std::string, std::string>> cases = {{"$(A)-$(B)", "1-two"},
                                                                  {"$$(A)", "$(A)"},
                                                                  {"$(NONE)", "$(NONE)"},
                                                                  {"$A", "$A"},
                                                                  {"$(A", "$(A"},
                                                                  {"$", "$"},
                                                                  {"$$", "$"},
                                                                  {"100$", "100$"}};
  for (const auto& [text, wanted] : cases) {
    EXPECT_EQ(expand_references(text, env), wanted) << text;
  }
}

TEST(EnvironmentTest, ReadsFieldsAndConfigAndKeepsTheOrder) {
  const Json pod = {{"metadata",
                     {{"name", "p"},
                      {"namespace", "ns"},
                      {"uid", "u"},
                      {"labels", {{"l", "label"}}},
                      {"annotations", {{"a.b/c", "note"}}}}},
                    {"status", {{"podIP", "127.64.0.2"}}}};
  const auto field = [](const std::string& name, const std::string& path) {
    return Json{{"name", name}, {"valueFrom", {{"fieldRef", {{"fieldPath", path}}}}}};
  };
  const Json container = {
      {"env",
       {field("NAME", "metadata.name"),
        field("UID", "metadata.uid"),
        field("IP", "status.podIP"),
        field("LABEL", "metadata.labels['l']"),
        field("NOTE", "metadata.annotations['a.b/c']"),
        {{"name", "KEY"}, {"valueFrom", {{"configMapKeyRef", {{"name", "c"}, {"key", "k"}}}}}},
        {{"name", "URL"}, {"value", "http://$(IP):1/$(LATER)"}},
        {{"name", "LATER"}, {"value", "x"}}}}};
  const auto env = container_environment(pod, container, {{"BASE", "b"}},
                                         [](std::string_view plural, const std::string& name,
                                            const std::string& key) -> Result<std::string> {
                                           return std::string(plural) + "/" + name + "/" + key;
                                         });
  ASSERT_TRUE(env) << env.error().text();
  const Environment wanted = {{"BASE", "b"},
                              {"NAME", "p"},
                              {"UID", "u"},
                              {"IP", "127.64.0.2"},
                              {"LABEL", "label"},
                              {"NOTE", "note"},
                              {"KEY", "configmaps/c/k"},
                              {"URL", "http://127.64.0.2:1/$(LATER)"},
                              {"LATER", "x"}};
  EXPECT_EQ(*env, wanted);
}

TEST(EnvironmentTest, AnUnknownFieldNamesTheVariable) {
  const Json container = {
      {"env", {{{"name", "X"}, {"valueFrom", {{"fieldRef", {{"fieldPath", "spec.secret"}}}}}}}}};
  const auto env = container_environment(Json::object(), container, {}, nullptr);
  ASSERT_FALSE(env);
  EXPECT_NE(env.error().message.find("env X"), std::string::npos);
}

TEST(AddressRangeTest, TwoClustersDoNotShareARange) {
  auto first = AddressRange::claim();
  auto second = AddressRange::claim();
  ASSERT_TRUE(first && second);
  EXPECT_NE(first->cidr(), second->cidr());
}

TEST(AddressRangeTest, AddressesAreDistinctAndComeBackLate) {
  auto range = AddressRange::claim();
  ASSERT_TRUE(range);
  const auto a = range->take();
  const auto b = range->take();
  EXPECT_NE(*a, *b);
  EXPECT_NE(*a, range->host());
  range->give_back(*a);
  EXPECT_NE(*range->take(), *a) << "a freed address is not handed out next";
}

TEST(AddressRangeTest, AllAddressesCanBeUsedAndNoMore) {
  auto range = AddressRange::claim();
  ASSERT_TRUE(range);
  std::optional<std::string> last;
  int count = 0;
  while (auto a = range->take()) {
    last = a;
    ++count;
  }
  EXPECT_EQ(count, 65'533);
  range->give_back(*last);
  EXPECT_EQ(range->take(), last);
}

TEST(PlainPathTest, APathThatShellsReadGetsALinkThatGoesWithItsOwner) {
  TempDir dir;
  const auto spaced = dir.path() / "a b";
  std::filesystem::create_directory(spaced);
  std::filesystem::path link;
  {
    const auto plain = PlainPath::to(spaced);
    ASSERT_TRUE(plain) << plain.error().text();
    link = plain->path();
    EXPECT_TRUE(is_plain(link.string())) << link;
    EXPECT_TRUE(std::filesystem::equivalent(link, spaced));
  }
  EXPECT_FALSE(std::filesystem::exists(link.parent_path()));
  EXPECT_TRUE(std::filesystem::exists(spaced)) << "only the link goes";
}

TEST(PlainPathTest, APlainPathIsUsedAsItIs) {
  const auto plain = PlainPath::to("/var/lib/berth-dev_1.2");
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->path(), "/var/lib/berth-dev_1.2");
  EXPECT_FALSE(is_plain("/a'b"));
  EXPECT_FALSE(is_plain("/a$b"));
}

TEST(LogFileTest, KeepsAtMostTwiceTheBoundAndTheNewest) {
  TempDir dir;
  LogFile log(dir.path() / "a.log", 100);
  std::string all;
  for (int i = 0; i < 100; ++i) {
    const std::string line = "line " + std::to_string(i) + "\n";
    log.write(line);
    all += line;
  }
  const std::string kept = log.read();
  EXPECT_LE(kept.size(), 220u);
  EXPECT_TRUE(all.ends_with(kept));
  EXPECT_GE(kept.size(), 100u);
}

TEST(LogFileTest, FollowersSeeWhatComesAndTheEnd) {
  TempDir dir;
  std::string seen;
  {
    LogFile log(dir.path() / "a.log", 1000);
    log.write("before");
    const auto id =
        log.follow([&](std::string_view bytes) { seen += bytes.empty() ? "|" : bytes; });
    log.write("after");
    EXPECT_EQ(seen, "after");
    EXPECT_NE(id, 0u);
  }
  EXPECT_EQ(seen, "after|");
}

TEST(LogFileTest, ALostDiskLosesOutputAndCountsIt) {
  LogFile log("/nonexistent/a.log", 1000);
  log.write("gone");
  EXPECT_EQ(log.lost_bytes(), 4u);
}

class ReadinessTest : public ::testing::Test {
 protected:
  void start(ProbeSettings settings) {
    readiness = std::make_unique<Readiness>(
        loop, settings,
        [this](std::function<void(bool)> done) {
          ++attempts;
          return hang ? Cancel([] {}) : loop.call_after(Duration(0), [this, done] { done(ok); });
        },
        [this](bool ready) { changes += ready ? "+" : "-"; });
  }
  fakes::ManualLoop loop;
  bool ok = true;
  bool hang = false;
  int attempts = 0;
  std::string changes;
  std::unique_ptr<Readiness> readiness;
};

TEST_F(ReadinessTest, IsReadyAfterTheFirstSuccess) {
  start({});
  EXPECT_FALSE(readiness->ready());
  loop.run_ready();
  EXPECT_TRUE(readiness->ready());
}

TEST_F(ReadinessTest, NeedsAsManyFailuresInARowAsTheThreshold) {
  start({.period = std::chrono::seconds(10)});
  loop.run_ready();
  ok = false;
  loop.advance(std::chrono::seconds(21));
  EXPECT_EQ(changes, "+") << "two failures";
  loop.advance(std::chrono::seconds(10));
  EXPECT_EQ(changes, "+-");
  ok = true;
  loop.advance(std::chrono::seconds(10));
  EXPECT_EQ(changes, "+-+");
}

TEST_F(ReadinessTest, AsksOftenUntilTheFirstSuccessAndThenByThePeriod) {
  ok = false;
  start({.period = std::chrono::seconds(10)});
  loop.advance(std::chrono::seconds(1));
  EXPECT_GE(attempts, 4);
  ok = true;
  loop.advance(std::chrono::seconds(2));
  const int at_ready = attempts;
  loop.advance(std::chrono::seconds(95));
  EXPECT_NEAR(attempts - at_ready, 9, 1);
}

TEST_F(ReadinessTest, AnAttemptThatHangsIsAFailure) {
  start({.period = std::chrono::seconds(2), .failure_threshold = 1});
  loop.run_ready();
  hang = true;
  loop.advance(std::chrono::seconds(4));
  EXPECT_EQ(changes, "+-");
}

TEST_F(ReadinessTest, WaitsForTheInitialDelay) {
  start({.initial_delay = std::chrono::seconds(5)});
  loop.advance(std::chrono::seconds(4));
  EXPECT_EQ(attempts, 0);
  loop.advance(std::chrono::seconds(1));
  EXPECT_EQ(attempts, 1);
}

}  // namespace
}  // namespace berth::devcluster
