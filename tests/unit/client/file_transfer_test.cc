#include "client/src/file_transfer.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/unit/client/core_fixture.h"

namespace berth::client {
namespace {

namespace fs = std::filesystem;

class FileTransferTest : public CoreTest {
 protected:
  FileTransferTest() : session(open({.id = "s1"}, minutes(10))) {
    std::string pattern = (fs::temp_directory_path() / "berth-client-XXXXXX").string();
    directory = ::mkdtemp(pattern.data());
  }
  ~FileTransferTest() override { fs::remove_all(directory); }

  void write(const fs::path& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
  }
  std::string read(const fs::path& path) {
    std::ostringstream out;
    out << std::ifstream(path, std::ios::binary).rdbuf();
    return out.str();
  }
  void upload() {
    auto file = LocalFile::open(directory / "local");
    ASSERT_TRUE(file);
    core->upload(session, *file_suffix("a/b c"), *file, scope,
                 [this](Outcome<std::monostate> r) { outcome = std::move(r); });
    loop.run_ready();
  }
  void download() {
    auto file = PartFile::create(directory / "local", random);
    ASSERT_TRUE(file);
    core->download(session, *file_suffix("out"), *file, scope,
                   [this](Outcome<std::monostate> r) { outcome = std::move(r); });
    loop.run_ready();
  }
  static http::Response file_answer(std::shared_ptr<http::BodySource> body) {
    http::Response response;
    response.headers.set("Content-Type", "application/octet-stream");
    response.body_source = std::move(body);
    return response;
  }
  // The whole body that was sent.
  Result<std::string> sent_body(const fakes::FakeTransport::CallPtr& call) {
    Result<std::string> bytes;
    http::read_all(call->request().body_source, 10u << 20,
                   [&](Result<std::string> got) { bytes = std::move(got); });
    loop.run_ready();
    return bytes;
  }
  std::size_t files() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(directory), fs::directory_iterator()));
  }

  Core::SessionPtr session;
  fs::path directory;
  std::shared_ptr<CancelScope> scope = CancelScope::child_of(session->scope());
  std::optional<Outcome<std::monostate>> outcome;
};

TEST_F(FileTransferTest, PathsAreRelativeAndEncodedPartByPart) {
  EXPECT_EQ(*file_suffix("a/b c/%"), "/files/a/b%20c/%25");
  for (const char* bad : {"", "/a", "a//b", "a/", ".", "a/../b", ".."}) {
    const auto suffix = file_suffix(bad);
    ASSERT_FALSE(suffix) << bad;
    EXPECT_EQ(suffix.error().field, "path");
  }
}

TEST_F(FileTransferTest, UploadsAllBytesWithTheirLength) {
  std::string bytes(200'000, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<char>(i * 31 >> 3);
  }
  write(directory / "local", bytes);
  upload();
  const auto call = transport.expect_request("PUT", "/v1/sessions/s1/files/a/b%20c");
  EXPECT_EQ(call->request().body_source->length(), bytes.size());
  EXPECT_EQ(sent_body(call), bytes);
  call->answer(http::Response::json(201, "{}"));
  loop.run_ready();
  EXPECT_TRUE(*outcome);
}

TEST_F(FileTransferTest, ALostUploadBeginsAgainFromTheFirstByte) {
  write(directory / "local", "content");
  upload();
  const auto first = transport.expect_request();
  EXPECT_EQ(sent_body(first), "content");
  first->fail_lost();
  loop.advance(seconds(1));
  const auto second = transport.expect_request();
  EXPECT_EQ(sent_body(second), "content");
  second->answer(http::Response::json(201, "{}"));
  loop.run_ready();
  EXPECT_TRUE(*outcome);
}

TEST_F(FileTransferTest, AFileThatShrinksIsTold) {
  write(directory / "local", std::string(100'000, 'x'));
  upload();
  const auto call = transport.expect_request();
  fs::resize_file(directory / "local", 10);
  const auto body = sent_body(call);
  ASSERT_FALSE(body);
  call->fail(body.error());
  loop.run_ready();
  EXPECT_EQ(outcome->error().kind, ErrorKind::kInvalidArgument);
  EXPECT_NE(outcome->error().text().find("shorter"), std::string::npos);
}

TEST_F(FileTransferTest, AnUploadThatTheWorkerRefusesIsFinal) {
  write(directory / "local", "content");
  upload();
  transport.expect_request()->answer(error_answer(413, "TooLarge", "at most 1 GiB"));
  loop.run_ready();
  EXPECT_EQ(outcome->error().kind, ErrorKind::kInvalidArgument);
}

TEST_F(FileTransferTest, ASilentUploadIsTriedAgain) {
  write(directory / "local", "content");
  upload();
  const auto first = transport.expect_request();
  loop.advance(seconds(31));
  EXPECT_TRUE(first->cancelled());
  EXPECT_EQ(transport.count("PUT", "/v1/sessions/s1/files/a/b%20c"), 2u);
}

TEST_F(FileTransferTest, WhatIsNoFileIsRefused) {
  for (const fs::path& path : {directory, directory / "none"}) {
    const auto file = LocalFile::open(path);
    ASSERT_FALSE(file);
    EXPECT_EQ(file.error().field, "local");
  }
  EXPECT_EQ(PartFile::create(directory, random).error().field, "local");
  EXPECT_EQ(PartFile::create(directory / "none" / "x", random).error().field, "local");
}

TEST_F(FileTransferTest, DownloadsReplaceTheFileWhenComplete) {
  write(directory / "local", "old");
  download();
  const auto call = transport.expect_request("GET", "/v1/sessions/s1/files/out");
  auto body = std::make_shared<fakes::FakeBody>(loop);
  auto writer = body->writer();
  call->answer(file_answer(std::move(body)));
  writer.write("new ");
  writer.write("content");
  loop.run_ready();
  EXPECT_EQ(read(directory / "local"), "old");
  writer.end();
  loop.run_ready();
  ASSERT_TRUE(outcome && *outcome);
  EXPECT_EQ(read(directory / "local"), "new content");
  EXPECT_EQ(files(), 1u);
}

TEST_F(FileTransferTest, APipeIsWrittenAndNotReplaced) {
  const fs::path pipe = directory / "local";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const UniqueFd reader(::open(pipe.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  ASSERT_TRUE(reader);
  download();
  transport.expect_request()->answer(file_answer(http::string_source("content")));
  loop.run_ready();
  ASSERT_TRUE(outcome && *outcome);
  std::array<char, 16> buffer{};
  ASSERT_EQ(::read(reader.get(), buffer.data(), buffer.size()), 7);
  EXPECT_EQ(std::string(buffer.data(), 7), "content");
  EXPECT_TRUE(fs::is_fifo(pipe));
  EXPECT_EQ(files(), 1u);
}

TEST_F(FileTransferTest, WhatAPipeWasGivenIsNotGivenAgain) {
  ASSERT_EQ(::mkfifo((directory / "local").c_str(), 0600), 0);
  const UniqueFd reader(::open((directory / "local").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  download();
  auto body = std::make_shared<fakes::FakeBody>(loop);
  auto writer = body->writer();
  transport.expect_request()->answer(file_answer(std::move(body)));
  writer.write("a first part");
  loop.run_ready();
  writer.fail(Error::make(ErrorCode::kUnavailable, "ConnectionLost", "cut"));
  loop.advance(seconds(1));
  transport.expect_request()->answer(file_answer(http::string_source("all of it")));
  loop.run_ready();
  ASSERT_TRUE(outcome && !*outcome);
  EXPECT_EQ(outcome->error().error.field, "local");
}

TEST_F(FileTransferTest, ALinkStaysAndWhatItLeadsToIsReplaced) {
  write(directory / "real", "old");
  fs::create_symlink("real", directory / "local");
  download();
  transport.expect_request()->answer(file_answer(http::string_source("new")));
  loop.run_ready();
  ASSERT_TRUE(outcome && *outcome);
  EXPECT_TRUE(fs::is_symlink(directory / "local"));
  EXPECT_EQ(read(directory / "real"), "new");
}

TEST_F(FileTransferTest, ADownloadThatIsCutBeginsAgain) {
  download();
  auto body = std::make_shared<fakes::FakeBody>(loop);
  auto writer = body->writer();
  transport.expect_request()->answer(file_answer(std::move(body)));
  writer.write("a long first part");
  writer.fail(Error::make(ErrorCode::kUnavailable, "ConnectionLost", "cut"));
  loop.advance(seconds(1));
  transport.expect_request()->answer(file_answer(http::string_source("short")));
  loop.run_ready();
  ASSERT_TRUE(outcome && *outcome);
  EXPECT_EQ(read(directory / "local"), "short");
}

TEST_F(FileTransferTest, AMissingFileIsItsOwnErrorAndLeavesNothing) {
  download();
  transport.expect_request()->answer(error_answer(404, "FileNotFound", "no file out"));
  loop.run_ready();
  EXPECT_EQ(outcome->error().kind, ErrorKind::kFileNotFound);
  EXPECT_EQ(files(), 0u);
  EXPECT_EQ(session->state(), SessionState::kOpen);
}

TEST_F(FileTransferTest, ADirectorysListingIsNoFile) {
  download();
  transport.expect_request()->answer(http::Response::json(200, "{\"entries\": []}"));
  loop.run_ready();
  EXPECT_EQ(outcome->error().kind, ErrorKind::kInvalidArgument);
  EXPECT_EQ(outcome->error().error.field, "path");
  EXPECT_EQ(files(), 0u);
}

TEST_F(FileTransferTest, CancellingADownloadLeavesNothing) {
  download();
  const auto call = transport.expect_request();
  scope->cancel();
  loop.run_ready();
  EXPECT_TRUE(call->cancelled());
  EXPECT_EQ(outcome->error().kind, ErrorKind::kCancelled);
  EXPECT_EQ(files(), 0u);
}

TEST_F(FileTransferTest, ALostSessionEndsTransfers) {
  download();
  transport.expect_request()->answer(error_answer(410, "SessionEnded", "over"));
  loop.advance(seconds(2));
  EXPECT_EQ(outcome->error().kind, ErrorKind::kCancelled);
  EXPECT_EQ(session->state(), SessionState::kFailed);
}

}  // namespace
}  // namespace berth::client
