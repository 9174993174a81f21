#include "worker/files/beneath.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "tests/unit/worker_files/temporary_folder.h"

namespace berth::worker {
namespace {

namespace fs = std::filesystem;

TEST(SplitPath, TakesRelativePathsApart) {
  EXPECT_EQ(*split_path("a/b c/d.txt"), (std::vector<std::string>{"a", "b c", "d.txt"}));
  EXPECT_TRUE(split_path("")->empty());
  EXPECT_EQ(split_path("..a/b..")->size(), 2U);
}

TEST(SplitPath, RefusesEveryWayOutAndEveryOddity) {
  for (const std::string& path :
       {std::string("../x"), std::string("a/../../x"), std::string("a/.."), std::string(".."),
        std::string("/etc/passwd"), std::string("a//b"), std::string("./a"), std::string("a/"),
        std::string("a\0b", 3), std::string(256, 'x'), std::string(5000, 'x')}) {
    const auto parts = split_path(path);
    ASSERT_FALSE(parts) << path.substr(0, 20);
    EXPECT_EQ(parts.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(parts.error().field, "path");
  }
  std::string deep = "a";
  for (int i = 0; i < 64; ++i) {
    deep += "/a";
  }
  EXPECT_FALSE(split_path(deep));
}

class OpenBeneath : public ::testing::TestWithParam<Resolve> {
 protected:
  OpenBeneath() {
    fs::create_directories(folder_.path() / "session/dir");
    folder_.write("secret", "hush");
    folder_.write("session/dir/file", "data");
    root_.reset(::open((folder_.path() / "session").c_str(), O_PATH | O_DIRECTORY));
  }
  Result<UniqueFd> open(const std::string& path, int flags = O_RDONLY) {
    return open_beneath(root_.get(), *split_path(path), flags, GetParam());
  }
  TemporaryFolder folder_;
  UniqueFd root_;
};

TEST_P(OpenBeneath, OpensWhatIsInside) {
  EXPECT_TRUE(open("dir/file"));
  EXPECT_TRUE(open("", O_RDONLY | O_DIRECTORY));
  EXPECT_EQ(open("dir/none").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(open("dir/file/x").error().code, ErrorCode::kNotFound);
}

TEST_P(OpenBeneath, LinksThatLeadOutAreRefused) {
  fs::create_symlink("../secret", folder_.path() / "session/up");
  fs::create_symlink("/etc/passwd", folder_.path() / "session/absolute");
  fs::create_symlink("..", folder_.path() / "session/parent");
  fs::create_symlink("/proc/self/root", folder_.path() / "session/magic");
  for (const char* path : {"up", "absolute", "parent/secret", "magic/etc/passwd"}) {
    for (const int flags : {O_RDONLY, O_PATH}) {
      const auto fd = open(path, flags);
      ASSERT_FALSE(fd) << path;
      EXPECT_NE(fd.error().code, ErrorCode::kInternal) << fd.error().text();
    }
  }
}

TEST_P(OpenBeneath, NeverLeavesWhileALinkIsSwappedIn) {
  // "dir" is a directory with a harmless "secret" at one moment and a link to the outside at the
  // next.
  folder_.write("session/dir/secret", "mine");
  fs::create_symlink("..", folder_.path() / "session/link");
  std::atomic<bool> stop = false;
  std::thread swapper([&] {
    const std::string a = folder_.path() / "session/dir";
    const std::string b = folder_.path() / "session/link";
    while (!stop) {
      ::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE);
    }
  });
  int opened = 0;
  for (int i = 0; i < 20'000 || opened == 0; ++i) {
    if (const auto fd = open("dir/secret")) {
      char text[8]{};
      ASSERT_EQ(::read(fd->get(), text, sizeof text), 4);
      ASSERT_STREQ(text, "mine");
      ++opened;
    }
  }
  stop = true;
  swapper.join();
}

TEST_P(OpenBeneath, MakesMissingDirectories) {
  const auto made = open_or_make_directory(root_.get(), *split_path("x/y/z"), GetParam());
  ASSERT_TRUE(made) << made.error().text();
  EXPECT_TRUE(fs::is_directory(folder_.path() / "session/x/y/z"));
}

TEST_P(OpenBeneath, MakesNoDirectoryOutside) {
  fs::create_symlink("..", folder_.path() / "session/parent");
  EXPECT_FALSE(open_or_make_directory(root_.get(), *split_path("parent/new"), GetParam()));
  EXPECT_FALSE(fs::exists(folder_.path() / "new"));
}

INSTANTIATE_TEST_SUITE_P(BothWays, OpenBeneath,
                         ::testing::Values(Resolve::kByKernel, Resolve::kByWalking));

TEST(OpenBeneathByKernel, FollowsLinksThatStayInside) {
  TemporaryFolder folder;
  folder.write("real/file", "data");
  fs::create_symlink("real", folder.path() / "alias");
  const UniqueFd root(::open(folder.path().c_str(), O_PATH | O_DIRECTORY));
  EXPECT_TRUE(open_beneath(root.get(), {"alias", "file"}, O_RDONLY));
}

TEST(DiskError, NamesAFullDisk) {
  EXPECT_EQ(disk_error(ENOSPC, "writing").reason, "DiskFull");
  EXPECT_EQ(disk_error(EDQUOT, "writing").code, ErrorCode::kResourceExhausted);
}

}  // namespace
}  // namespace berth::worker
