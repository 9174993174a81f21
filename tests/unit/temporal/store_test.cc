#include "temporal/state/store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/fakes/temp_dir.h"

namespace berth::temporal {
namespace {

namespace fs = std::filesystem;

class StoreTest : public testing::Test {
 protected:
  fakes::TempDir dir;
  const fs::path folder = dir.path() / "state";
};

TEST_F(StoreTest, GivesBackWhatWasSaved) {
  {
    auto store = Store::open(folder, Log()).value();
    ASSERT_TRUE(store.save("a", {{"n", 1}}));
    ASSERT_TRUE(store.save("a", {{"n", 2}}));
    ASSERT_TRUE(store.save("a.run", {{"n", 3}}));
    ASSERT_TRUE(store.save("b", {{"n", 4}}));
    store.erase("b");
    store.erase("never there");
  }
  auto again = Store::open(folder, Log()).value();
  const std::map<std::string, Json> expected = {{"a", {{"n", 2}}}, {"a.run", {{"n", 3}}}};
  EXPECT_EQ(again.load(), expected);
}

TEST_F(StoreTest, FilesAreForTheirOwnerOnly) {
  auto store = Store::open(folder, Log()).value();
  ASSERT_TRUE(store.save("a", {{"token", "secret"}}));
  struct stat info {};
  ASSERT_EQ(::stat((folder / "a.json").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST_F(StoreTest, OneProcessAtATime) {
  const auto store = Store::open(folder, Log()).value();
  const auto second = Store::open(folder, Log());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().reason, "StateInUse");
  EXPECT_EQ(second.error().field, "--state-dir");
}

TEST_F(StoreTest, WhatCannotBeReadIsKeptAsideWithALine) {
  std::vector<std::string> lines;
  auto store =
      Store::open(folder, Log::to_function([&](const std::string& line) { lines.push_back(line); }))
          .value();
  std::ofstream(folder / "torn.json") << R"({"task": "ab)";
  EXPECT_TRUE(store.load().empty());
  EXPECT_TRUE(fs::exists(folder / "torn.bad"));
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_NE(lines[0].find("torn.bad"), std::string::npos);
  EXPECT_TRUE(store.load().empty());
  EXPECT_EQ(lines.size(), 1u);
}

TEST_F(StoreTest, AFolderThatCannotBeIsAnErrorOfTheFlag) {
  std::ofstream(dir.path() / "file") << "x";
  const auto store = Store::open(dir.path() / "file" / "state", Log());
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().field, "--state-dir");
}

TEST_F(StoreTest, AFolderThatWentIsAnErrorOfTheSave) {
  auto store = Store::open(folder, Log()).value();
  fs::remove_all(folder);
  EXPECT_FALSE(store.save("a", {}));
}

TEST_F(StoreTest, WithoutAFolderNothingIsKept) {
  auto store = Store::open("", Log()).value();
  EXPECT_TRUE(store.save("a", {}));
  store.erase("a");
  EXPECT_TRUE(store.load().empty());
}

}  // namespace
}  // namespace berth::temporal
