#include "berth/base/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

namespace berth {
namespace {

class FileTest : public testing::Test {
 protected:
  std::filesystem::path dir_ =
      std::filesystem::path(testing::TempDir()) / ("berth-file-" + std::to_string(::getpid()));
  void SetUp() override { std::filesystem::create_directories(dir_); }
  void TearDown() override { std::filesystem::remove_all(dir_); }
};

TEST_F(FileTest, WritesWithTheModeAskedForAndLeavesNothingBeside) {
  ASSERT_TRUE(write_file_atomic(dir_ / "a", "secret", 0600));
  EXPECT_EQ(read_file(dir_ / "a").value(), "secret");
  struct stat st {};
  ::stat((dir_ / "a").c_str(), &st);
  EXPECT_EQ(st.st_mode & 0777, 0600u);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir_), {}), 1);
}

TEST_F(FileTest, WhatIsNoFileIsNotReplaced) {
  for (const std::filesystem::path& path : {dir_, std::filesystem::path("/dev/null")}) {
    const Status written = write_file_atomic(path, "text");
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().code, ErrorCode::kInvalidArgument);
    EXPECT_FALSE(std::filesystem::is_regular_file(path));
  }
}

TEST_F(FileTest, RefusesToReadMoreThanTheBound) {
  ASSERT_TRUE(write_file_atomic(dir_ / "a", std::string(100, 'x')));
  EXPECT_EQ(read_file(dir_ / "a", 99).error().code, ErrorCode::kResourceExhausted);
  EXPECT_TRUE(read_file(dir_ / "a", 100));
}

TEST_F(FileTest, NamesTheFileThatIsMissing) {
  const Error e = read_file(dir_ / "none").error();
  EXPECT_EQ(e.code, ErrorCode::kNotFound);
  EXPECT_NE(e.message.find("none"), std::string::npos);
}

}  // namespace
}  // namespace berth
