#include "worker/files/file_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <utility>

#include "tests/unit/worker_files/temporary_folder.h"

namespace berth::worker {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

/// A body that the test hands over piece by piece.
class HandFedSource final : public http::BodySource {
 public:
  void next(ChunkFn fn) override {
    waiting_ = std::move(fn);
    if (on_asked) {
      std::exchange(on_asked, nullptr)();
    }
  }
  void give(Result<std::string> chunk) { std::exchange(waiting_, nullptr)(std::move(chunk)); }
  std::function<void()> on_asked;

 private:
  ChunkFn waiting_;
};

class FileStoreTest : public ::testing::Test {
 protected:
  FileStoreTest() {
    settings_.root = folder_.path() / "sessions";
    settings_.measure_interval = Duration::zero();
    reopen();
  }
  void reopen() {
    store_.reset();
    auto store = FileStore::open(loop_, settings_, log_);
    ASSERT_TRUE(store) << store.error().text();
    store_ = std::move(*store);
    ASSERT_TRUE(store_->create_session_dir(id_));
  }
  // Runs the loop until the callback has been called; fails after a minute.
  template <class T, class Start>
  Result<T> await(Start start) {
    std::optional<Result<T>> out;
    Cancel guard = loop_.call_after(60s, [this] { loop_.stop(); });
    Cancel handle = start([&](Result<T> r) {
      out = std::move(r);
      loop_.stop();
    });
    if (!out) {
      loop_.run();
    }
    handle.release();
    return out ? std::move(*out) : Result<T>(fail(Error::internal("waited for a minute")));
  }
  Result<FileStore::Written> put(const std::string& path, std::shared_ptr<http::BodySource> body,
                                 std::optional<std::uint64_t> length = std::nullopt) {
    return await<FileStore::Written>(
        [&](auto done) { return store_->put(id_, path, std::move(body), length, done); });
  }
  Result<FileStore::Written> put(const std::string& path, const std::string& bytes) {
    return put(path, http::string_source(bytes));
  }
  Result<FileStore::Opened> open(const std::string& path) {
    return await<FileStore::Opened>([&](auto done) { return store_->get(id_, path, done); });
  }
  Result<std::string> read(const std::shared_ptr<http::BodySource>& source) {
    return await<std::string>([&](auto done) {
      http::read_all(source, 1ULL << 30, done);
      return Cancel();
    });
  }
  Result<std::string> get(const std::string& path) {
    BERTH_ASSIGN(FileStore::Opened opened, open(path));
    return opened.file ? read(opened.file) : Result<std::string>(dump_json(opened.listing));
  }
  Status remove() {
    const auto removed = await<bool>([&](auto done) {
      store_->remove_session_dir(
          id_, [done](const Status& s) { done(s ? Result<bool>(true) : fail(s.error())); });
      return Cancel();
    });
    return removed ? Status() : Status(fail(removed.error()));
  }
  fs::path session() const { return store_->directory(id_); }
  bool no_upload_left() { return fs::is_empty(settings_.root / ".uploads"); }

  TemporaryFolder folder_;
  AsioLoop loop_;
  std::vector<std::string> log_lines_;
  Log log_ = Log::to_function([this](const std::string& line) { log_lines_.push_back(line); });
  FileStoreSettings settings_;
  api::SessionId id_{"s1"};
  std::unique_ptr<FileStore> store_;
};

TEST_F(FileStoreTest, AFilePutComesBackAsItWas) {
  std::string bytes(300'001, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<char>(i * 7 % 251);
  }
  const auto written = put("in/deep/data.bin", bytes);
  ASSERT_TRUE(written) << written.error().text();
  EXPECT_EQ(written->bytes, 300'001);
  EXPECT_TRUE(written->created);
  const auto opened = open("in/deep/data.bin");
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->file->length(), 300'001U);
  EXPECT_EQ(*read(opened->file), bytes);
  EXPECT_TRUE(no_upload_left());
}

TEST_F(FileStoreTest, AnEmptyFileIsAFile) {
  ASSERT_TRUE(put("empty", ""));
  EXPECT_EQ(*get("empty"), "");
}

TEST_F(FileStoreTest, PutReplacesAFileAndSaysSo) {
  ASSERT_TRUE(put("f", "old"));
  const auto written = put("f", "new");
  ASSERT_TRUE(written);
  EXPECT_FALSE(written->created);
  EXPECT_EQ(*get("f"), "new");
}

TEST_F(FileStoreTest, ABodyThatBreaksOffLeavesTheOldFile) {
  ASSERT_TRUE(put("f", "old"));
  auto body = std::make_shared<HandFedSource>();
  body->on_asked = [&] {
    body->on_asked = [&] { body->give(fail(Error::make(ErrorCode::kUnavailable, "", "cut"))); };
    body->give(std::string("half"));
  };
  const auto written = put("f", body);
  ASSERT_FALSE(written);
  EXPECT_NE(written.error().message.find("cut"), std::string::npos);
  EXPECT_EQ(*get("f"), "old");
}

TEST_F(FileStoreTest, AnAbortedPutLeavesNothingAndGivesItsSpaceBack) {
  auto body = std::make_shared<HandFedSource>();
  bool called = false;
  Cancel transfer = store_->put(id_, "f", body, std::nullopt, [&](const auto&) { called = true; });
  body->on_asked = [&] {
    body->on_asked = [&] { loop_.stop(); };
    body->give(std::string("half"));
  };
  loop_.run();
  EXPECT_EQ(store_->used_bytes(id_), 4);
  transfer.cancel();
  EXPECT_EQ(store_->used_bytes(id_), 0);
  ASSERT_TRUE(remove());  // Runs on the same thread as the deletion of the upload, after it.
  EXPECT_TRUE(no_upload_left());
  EXPECT_FALSE(called);
}

TEST_F(FileStoreTest, AHandleThatOutlivesItsPutDoesNotAbortTheNext) {
  std::optional<Result<FileStore::Written>> first;
  Cancel old = store_->put(id_, "a", http::string_source("1"), std::nullopt, [&](auto r) {
    first = std::move(r);
    loop_.stop();
  });
  loop_.run();
  ASSERT_TRUE(first.has_value());
  auto body = std::make_shared<HandFedSource>();
  body->on_asked = [&] {
    old.cancel();
    body->give(std::string());
  };
  EXPECT_TRUE(put("b", body));
}

TEST_F(FileStoreTest, APutIntoASessionThatEndsIsToldSo) {
  auto body = std::make_shared<HandFedSource>();
  body->on_asked = [&] { store_->remove_session_dir(id_); };
  const auto written = put("f", body);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, ErrorCode::kGone);
}

TEST_F(FileStoreTest, PathsThatLeaveTheSessionAreRefused) {
  folder_.write("sessions/secret", "hush");
  fs::create_symlink("..", session() / "up");
  fs::create_symlink("../secret", session() / "file");
  for (const char* path : {"../secret", "/etc/passwd", "up/secret", "a/../../secret", "file"}) {
    EXPECT_FALSE(get(path)) << path;
  }
  for (const char* path : {"../x", "/tmp/x", "up/x", "", "a/"}) {
    const auto written = put(path, "x");
    ASSERT_FALSE(written) << path;
    EXPECT_EQ(written.error().code, ErrorCode::kInvalidArgument) << path;
  }
  EXPECT_FALSE(fs::exists(settings_.root / "x"));
}

TEST_F(FileStoreTest, PutReplacesALinkInsteadOfWritingThroughIt) {
  folder_.write("sessions/outside", "theirs");
  fs::create_symlink("../outside", session() / "f");
  ASSERT_TRUE(put("f", "mine"));
  EXPECT_EQ(folder_.read("sessions/outside"), "theirs");
  EXPECT_FALSE(fs::is_symlink(session() / "f"));
}

TEST_F(FileStoreTest, FifosAndDirectoriesAreNotOverwrittenAndFifosNotRead) {
  ASSERT_EQ(::mkfifo((session() / "fifo").c_str(), 0600), 0);
  fs::create_directory(session() / "dir");
  EXPECT_EQ(put("fifo", "x").error().reason, "NotAFile");
  EXPECT_EQ(put("dir", "x").error().reason, "NotAFile");
  EXPECT_EQ(get("fifo").error().reason, "NotAFile");
}

TEST_F(FileStoreTest, AFileInTheWayOfADirectoryIsNamed) {
  ASSERT_TRUE(put("f", "x"));
  EXPECT_EQ(put("f/g", "x").error().reason, "NotADirectory");
}

TEST_F(FileStoreTest, AFileLargerThanAllowedIsRefusedEarlyOrCut) {
  settings_.max_file_bytes = 1000;
  reopen();
  EXPECT_EQ(put("f", http::string_source("x"), 1001).error().reason, "FileTooLarge");
  EXPECT_EQ(put("f", std::string(1001, 'x')).error().reason, "FileTooLarge");
  EXPECT_FALSE(fs::exists(session() / "f"));
  EXPECT_TRUE(put("f", std::string(1000, 'x')));
}

TEST_F(FileStoreTest, TheDiskLimitCountsWhatIsStoredAndWhatIsArriving) {
  settings_.max_session_bytes = 1000;
  reopen();
  ASSERT_TRUE(put("a", std::string(600, 'x')));
  EXPECT_EQ(put("b", std::string(600, 'x')).error().reason, "SessionDiskLimit");
  EXPECT_TRUE(put("b", std::string(400, 'x')));
  EXPECT_EQ(store_->used_bytes(id_), 1000);
}

TEST_F(FileStoreTest, MeasuringCorrectsTheUsage) {
  folder_.write("sessions/s1/by-an-activity", std::string(500'000, 'x'));
  const auto bytes = await<std::int64_t>([&](auto done) {
    store_->measure(id_, done);
    return Cancel();
  });
  ASSERT_TRUE(bytes);
  EXPECT_GE(*bytes, 500'000);
  EXPECT_EQ(store_->used_bytes(id_), *bytes);
}

TEST_F(FileStoreTest, SessionsAreMeasuredFromTimeToTime) {
  settings_.measure_interval = 5ms;
  reopen();
  folder_.write("sessions/s1/by-an-activity", std::string(500'000, 'x'));
  Cancel guard = loop_.call_after(60s, [this] { loop_.stop(); });
  Cancel look;
  std::function<void()> again = [&] {
    if (store_->used_bytes(id_) >= 500'000) {
      loop_.stop();
    }
    look = loop_.call_after(1ms, again);
  };
  again();
  loop_.run();
  EXPECT_GE(store_->used_bytes(id_), 500'000);
}

TEST_F(FileStoreTest, ADirectoryIsListed) {
  ASSERT_TRUE(put("d/f", "123"));
  const auto opened = open("d");
  ASSERT_TRUE(opened);
  EXPECT_FALSE(opened->file);
  EXPECT_EQ(opened->listing["entries"][0]["name"], "f");
  EXPECT_EQ(open("")->listing["entries"][0]["name"], "d");
}

TEST_F(FileStoreTest, AHugeDirectoryIsListedInPart) {
  for (int i = 0; i < 10'050; ++i) {
    const std::string name = session() / std::to_string(i);
    ASSERT_EQ(::mknod(name.c_str(), S_IFREG | 0600, 0), 0);
  }
  const auto opened = open("");
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->listing["entries"].size(), 10'000U);
  EXPECT_EQ(opened->listing["truncated"], true);
}

TEST_F(FileStoreTest, AFileThatShrinksWhileItIsReadBreaksOff) {
  ASSERT_TRUE(put("f", std::string(200'000, 'x')));
  const auto opened = open("f");
  ASSERT_TRUE(opened);
  fs::resize_file(session() / "f", 1000);
  const auto bytes = read(opened->file);
  ASSERT_FALSE(bytes);
  EXPECT_EQ(bytes.error().reason, "FileChanged");
}

TEST_F(FileStoreTest, RemovingASessionFreesItsNameAtOnce) {
  ASSERT_TRUE(put("d/e/f", "x"));
  store_->remove_session_dir(id_);
  EXPECT_FALSE(fs::exists(session()));
  ASSERT_TRUE(store_->create_session_dir(id_));
  EXPECT_TRUE(fs::is_empty(session()));
  EXPECT_EQ(store_->used_bytes(id_), 0);
  ASSERT_TRUE(remove());
  EXPECT_TRUE(fs::is_empty(settings_.root / ".trash"));
  EXPECT_TRUE(remove()) << "a second time";
}

TEST_F(FileStoreTest, RemovingDoesNotFollowALinkInPlaceOfTheDirectory) {
  folder_.write("outside/precious", "x");
  fs::remove_all(session());
  fs::create_directory_symlink(folder_.path() / "outside", session());
  EXPECT_FALSE(get("precious"));
  ASSERT_TRUE(remove());
  EXPECT_TRUE(fs::exists(folder_.path() / "outside/precious"));
}

TEST_F(FileStoreTest, OpeningThrowsAwayWhatWasLeftHalfDone) {
  store_.reset();
  folder_.write("sessions/.uploads/123-4", "half");
  folder_.write("sessions/.trash/9/deep/file", "x");
  folder_.write("sessions/.trash/9+1/deep/file", "x");
  reopen();
  ASSERT_TRUE(remove());
  EXPECT_TRUE(fs::is_empty(settings_.root / ".trash"));
  EXPECT_TRUE(no_upload_left());
  EXPECT_EQ(log_lines_.size(), 0U);
}

TEST_F(FileStoreTest, SessionsOutliveARestart) {
  ASSERT_TRUE(put("f", "kept"));
  reopen();
  EXPECT_EQ(*get("f"), "kept");
  EXPECT_EQ(*store_->existing(), std::vector<api::SessionId>{id_});
}

TEST_F(FileStoreTest, ARootThatCannotBeMadeIsNamed) {
  folder_.write("file", "");
  settings_.root = folder_.path() / "file/sessions";
  const auto store = FileStore::open(loop_, settings_, log_);
  ASSERT_FALSE(store);
  EXPECT_NE(store.error().message.find("file/sessions"), std::string::npos);
}

TEST_F(FileStoreTest, AnUnknownSessionIsNotFound) {
  id_ = api::SessionId("other");
  EXPECT_EQ(get("f").error().code, ErrorCode::kNotFound);
  EXPECT_EQ(put("f", "x").error().code, ErrorCode::kNotFound);
  id_ = api::SessionId("../x");
  EXPECT_EQ(get("f").error().code, ErrorCode::kInvalidArgument);
}

// Ends while transfers are under way: no callback may run, nothing may leak (with the sanitizers).
TEST_F(FileStoreTest, MayBeDestroyedInTheMiddleOfEverything) {
  ASSERT_TRUE(put("f", std::string(1 << 20, 'x')));
  const auto opened = open("f");
  bool called = false;
  std::vector<Cancel> handles;
  for (int i = 0; i < 50; ++i) {
    handles.push_back(store_->put(id_, "p" + std::to_string(i),
                                  http::string_source(std::string(1 << 20, 'y')), std::nullopt,
                                  [&](const auto&) { called = true; }));
    handles.push_back(store_->get(id_, "f", [&](const auto&) { called = true; }));
  }
  store_->remove_session_dir(api::SessionId("none"));
  store_.reset();
  loop_.post([this] { loop_.stop(); });
  loop_.run();
  EXPECT_FALSE(called);
}

}  // namespace
}  // namespace berth::worker
