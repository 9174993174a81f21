#include "worker/files/tree.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "berth/base/file.h"
#include "tests/unit/worker_files/temporary_folder.h"

namespace berth::worker {
namespace {

namespace fs = std::filesystem;

UniqueFd open_folder(const TemporaryFolder& folder) {
  return UniqueFd(::open(folder.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

TEST(RemoveTree, DeletesAllBelowAndNothingBehindLinks) {
  TemporaryFolder outside;
  outside.write("precious", "x");
  TemporaryFolder trash;
  trash.write("t/a/b/c", "x");
  trash.write("t/d", "x");
  fs::create_directory_symlink(outside.path(), trash.path() / "t/a/link");
  ASSERT_EQ(::mkfifo((trash.path() / "t/fifo").c_str(), 0600), 0);
  const Status removed = remove_tree(open_folder(trash).get(), "t");
  EXPECT_TRUE(removed) << removed.error().text();
  EXPECT_TRUE(fs::is_empty(trash.path()));
  EXPECT_TRUE(fs::exists(outside.path() / "precious"));
}

TEST(RemoveTree, DepthCostsNeitherStackNorDescriptors) {
  TemporaryFolder trash;
  fs::create_directory(trash.path() / "t");
  {
    UniqueFd at(::open((trash.path() / "t").c_str(), O_PATH | O_DIRECTORY));
    for (int i = 0; i < 400; ++i) {
      ASSERT_EQ(::mkdirat(at.get(), "deeper-than-any-path", 0700), 0);
      at.reset(::openat(at.get(), "deeper-than-any-path", O_PATH | O_DIRECTORY));
    }
  }
  const Status removed = remove_tree(open_folder(trash).get(), "t");
  EXPECT_TRUE(removed) << removed.error().text();
  EXPECT_TRUE(fs::is_empty(trash.path()));
}

TEST(RemoveTree, ManyEntriesAndLockedDirectoriesAreNoObstacle) {
  TemporaryFolder trash;
  for (int i = 0; i < 500; ++i) {
    trash.write("t/d" + std::to_string(i % 50) + "/" + std::to_string(i), "");
  }
  fs::permissions(trash.path() / "t/d7", fs::perms::none);
  EXPECT_TRUE(remove_tree(open_folder(trash).get(), "t"));
  EXPECT_TRUE(fs::is_empty(trash.path()));
}

TEST(RemoveTree, SomethingThatIsNoDirectoryGoesToo) {
  TemporaryFolder trash;
  fs::create_symlink("/", trash.path() / "t");
  EXPECT_TRUE(remove_tree(open_folder(trash).get(), "t"));
  EXPECT_TRUE(fs::is_empty(trash.path()));
}

TEST(MeasureTree, CountsSpaceOnDiskOnceAndOnlyInside) {
  TemporaryFolder outside;
  outside.write("big", std::string(1 << 20, 'x'));
  TemporaryFolder folder;
  folder.write("a/one", std::string(100'000, 'x'));
  fs::create_hard_link(folder.path() / "a/one", folder.path() / "a/two");
  fs::create_directory_symlink(outside.path(), folder.path() / "link");
  const auto bytes = measure_tree(open_folder(folder).get(), 1000);
  ASSERT_TRUE(bytes);
  EXPECT_GE(*bytes, 100'000);
  EXPECT_LT(*bytes, 200'000);
}

TEST(MeasureTree, StopsAtTheLimitOfEntries) {
  TemporaryFolder folder;
  for (int i = 0; i < 50; ++i) {
    folder.write(std::to_string(i), std::string(4096, 'x'));
  }
  EXPECT_LE(*measure_tree(open_folder(folder).get(), 10), 10 * 4096);
}

TEST(ListDirectory, TellsNamesTypesAndSizes) {
  TemporaryFolder folder;
  folder.write("b.txt", "12345");
  fs::create_directory(folder.path() / "a");
  fs::create_symlink("nowhere", folder.path() / "c");
  const auto list = list_directory(open_folder(folder).get(), 10);
  ASSERT_TRUE(list);
  ASSERT_EQ((*list)["entries"].size(), 3U);
  EXPECT_EQ((*list)["entries"][0]["type"], "directory");
  EXPECT_EQ((*list)["entries"][1]["name"], "b.txt");
  EXPECT_EQ((*list)["entries"][1]["size"], 5);
  EXPECT_EQ((*list)["entries"][2]["type"], "symlink");
  EXPECT_EQ((*list)["truncated"], false);
}

TEST(ListDirectory, ANameThatIsNoTextIsToldByItsBytesToo) {
  TemporaryFolder folder;
  folder.write("bad\xff", "x");
  folder.write("good\xc3\xa9", "x");
  const auto list = list_directory(open_folder(folder).get(), 10);
  ASSERT_EQ((*list)["entries"].size(), 2U);
  EXPECT_EQ((*list)["entries"][0]["encodedName"], "bad%FF");
  EXPECT_FALSE((*list)["entries"][1].contains("encodedName"));
  EXPECT_EQ(parse_json(dump_json(*list)).value()["entries"][0]["name"], "bad\xef\xbf\xbd");
}

TEST(ListDirectory, SaysThatItLeftSomeOut) {
  TemporaryFolder folder;
  for (int i = 0; i < 5; ++i) {
    folder.write(std::to_string(i), "");
  }
  const auto list = list_directory(open_folder(folder).get(), 4);
  EXPECT_EQ((*list)["entries"].size(), 4U);
  EXPECT_EQ((*list)["truncated"], true);
  EXPECT_EQ((*list_directory(open_folder(folder).get(), 5))["truncated"], false);
}

}  // namespace
}  // namespace berth::worker
