#include "berth/observe/log.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <limits>
#include <thread>

#include "berth/base/clock.h"
#include "berth/base/file.h"
#include "berth/base/json.h"

namespace berth {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

struct Captured {
  std::vector<std::string> lines;
  Log log(Log::Level level = Log::Level::kDebug) {
    return Log::to_function([this](const std::string& line) { lines.push_back(line); }, level);
  }
  Json last() const { return parse_json(lines.back()).value(); }
};

/// Sends a file descriptor of this process into a file for as long as it lives.
class Redirect {
 public:
  explicit Redirect(int fd) : fd_(fd), saved_(::dup(fd)) {
    std::string path = ::testing::TempDir() + "berth-log.XXXXXX";
    file_ = UniqueFd(::mkstemp(path.data()));
    path_ = path;
    ::dup2(file_.get(), fd_);
  }
  ~Redirect() {
    restore();
    ::unlink(path_.c_str());
  }
  std::string text() {
    restore();
    return read_file(path_).value();
  }

 private:
  void restore() {
    if (saved_) {
      ::dup2(saved_.get(), fd_);
      saved_.reset();
    }
  }
  int fd_;
  UniqueFd saved_;
  UniqueFd file_;
  std::string path_;
};

std::vector<std::string> split_lines(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = text.find('\n', at);
    lines.push_back(text.substr(at, end - at));
    at = end == std::string::npos ? text.size() : end + 1;
  }
  return lines;
}

TEST(Log, WritesOneJsonObjectWithItsFieldsTyped) {
  Captured c;
  c.log().warn("slot freed", {{"pool", "gpu"}, {"free", 3}, {"ratio", 0.5}, {"full", false}});
  const Json j = c.last();
  EXPECT_EQ(j["level"], "warn");
  EXPECT_EQ(j["logger"], "test");
  EXPECT_EQ(j["msg"], "slot freed");
  EXPECT_EQ(j["pool"], "gpu");
  EXPECT_EQ(j["free"], 3);
  EXPECT_EQ(j["ratio"], 0.5);
  EXPECT_EQ(j["full"], false);
  EXPECT_TRUE(parse_rfc3339(j["ts"].get<std::string>()));
  EXPECT_EQ(j["ts"].get<std::string>().size(), std::string("2026-11-22T18:34:11.250Z").size());
}

TEST(Log, ValuesCannotForgeALineOrAField) {
  Captured c;
  const std::string evil = "x\",\"level\":\"error\"}\n{\"msg\":\"forged\\";
  c.log().info("hello", {{"name", evil}});
  EXPECT_THAT(c.lines.back(), Not(HasSubstr("\n")));
  EXPECT_EQ(c.last()["name"], evil);
  EXPECT_EQ(c.last()["level"], "info");
}

TEST(Log, InvalidUtf8IsReplacedAndValidUtf8IsKept) {
  Captured c;
  // A lone byte, an overlong slash, a surrogate, a cut sequence.
  c.log().info("m", {{"a",
                      "Zür\xC3\xBC"
                      "ck \xF0\x9F\x9A\xA2"},
                     {"b", std::string("a\xFF"
                                       "b\xC0\xAF"
                                       "c\xED\xA0\x80"
                                       "d\xE2\x82")}});
  EXPECT_EQ(c.last()["a"],
            "Zür\xC3\xBC"
            "ck \xF0\x9F\x9A\xA2");
  const std::string r = "\xEF\xBF\xBD";
  EXPECT_EQ(c.last()["b"], "a" + r + "b" + r + r + "c" + r + r + r + "d" + r + r);
}

TEST(Log, LongValuesAreCutBetweenCharactersAndMarked) {
  Captured c;
  std::string text(8191, 'a');
  text += "\xC3\xBC and more";
  c.log().info("m", {{"output", text}});
  EXPECT_EQ(c.last()["output"], std::string(8191, 'a') + "...[11 more bytes]");
}

TEST(Log, ALineIsBoundedAndTellsWhatItLeftOut) {
  Captured c;
  const std::string big(8192, '\x01');
  c.log().info("m", {{"a", big}, {"b", big}, {"c", big}, {"d", big}});
  EXPECT_LT(c.lines.back().size(), 128u * 1024);
  EXPECT_EQ(c.last()["fields_left_out"], 2);
  EXPECT_EQ(c.last()["a"], big);
}

TEST(Log, NumbersThatJsonDoesNotHaveBecomeText) {
  Captured c;
  c.log().info("m", {{"a", std::numeric_limits<double>::infinity()}, {"b", std::nan("")}});
  EXPECT_EQ(c.last()["a"], "inf");
  EXPECT_EQ(c.last()["b"], "nan");
}

TEST(Log, WithAddsFieldsAndTheNearestOneWins) {
  Captured c;
  const Log outer = c.log().with({{"pod", "a"}, {"node", "n"}});
  outer.with({{"pod", "b"}}).info("m", {{"node", "o"}});
  EXPECT_EQ(c.last()["pod"], "b");
  EXPECT_EQ(c.last()["node"], "o");
  EXPECT_EQ(c.lines.back().find("\"pod\""), c.lines.back().rfind("\"pod\""));
  outer.info("m");
  EXPECT_EQ(c.last()["pod"], "a");
}

TEST(Log, AFieldNamedLikeOursDoesNotReplaceIt) {
  Captured c;
  c.log().info("m", {{"level", "none"}});
  EXPECT_EQ(c.last()["level"], "info");
  EXPECT_EQ(c.last()["field.level"], "none");
}

TEST(Log, ErrorsAreFields) {
  Captured c;
  c.log().error("failed", {{"error", Error::invalid("pool", "must not be empty")}});
  EXPECT_THAT(c.last()["error"].get<std::string>(), HasSubstr("must not be empty"));
}

TEST(Log, DropsWhatIsBelowItsLevel) {
  Captured c;
  const Log log = c.log(Log::Level::kWarn);
  log.info("no");
  log.warn("yes");
  EXPECT_EQ(c.lines.size(), 1u);
  EXPECT_FALSE(log.enabled(Log::Level::kInfo));
  EXPECT_TRUE(log.enabled(Log::Level::kError));
}

TEST(Log, TheEmptyOneDropsEverything) {
  const Log log;
  log.with({{"a", 1}}).error("nobody hears");
  EXPECT_FALSE(log.enabled(Log::Level::kError));
}

TEST(Log, StdoutIsJsonWhenItIsNoTerminal) {
  Redirect out(STDOUT_FILENO);
  Log::to_stdout("berth-worker").info("started", {{"port", 7070}});
  const std::string text = out.text();
  const Json j = parse_json(text).value();
  EXPECT_EQ(j["logger"], "berth-worker");
  EXPECT_EQ(j["port"], 7070);
  EXPECT_EQ(text.back(), '\n');
}

TEST(Log, TextEscapesWhatWouldDriveATerminal) {
  Redirect err(STDERR_FILENO);
  Log::to_stderr("dev", Log::Level::kInfo, Log::Format::kText)
      .info("hello", {{"plain", "abc"},
                      {"spaced", "a b\"c"},
                      {"evil",
                       "\x1B[2J\n\xC2\x9B"
                       "1m\xE2\x80\xAEtxt"},
                      {"empty", ""}});
  const std::string text = err.text();
  EXPECT_THAT(text, HasSubstr(" info  dev: hello plain=abc spaced=\"a b\\\"c\" evil="));
  EXPECT_THAT(text, HasSubstr("evil=\\u001b[2J\\n\\u009b1m\\u202etxt empty=\"\"\n"));
  EXPECT_EQ(split_lines(text).size(), 1u);
}

TEST(Log, LinesOfSeveralThreadsAndLogsDoNotInterleave) {
  constexpr int kThreads = 4;
  constexpr int kLines = 500;
  Redirect out(STDOUT_FILENO);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([t] {
        const Log log = Log::to_stdout("t", Log::Level::kInfo, Log::Format::kJson);
        for (int i = 0; i < kLines; ++i) {
          log.info("line", {{"thread", t}, {"pad", std::string(300, static_cast<char>('a' + t))}});
        }
      });
    }
  }
  const auto lines = split_lines(out.text());
  ASSERT_EQ(lines.size(), static_cast<std::size_t>(kThreads * kLines));
  for (const std::string& line : lines) {
    const auto j = parse_json(line);
    ASSERT_TRUE(j) << line;
    const auto c = static_cast<char>('a' + (*j)["thread"].get<int>());
    ASSERT_EQ((*j)["pad"], std::string(300, c));
  }
}

TEST(Log, ReadsLevelsAndFormats) {
  EXPECT_EQ(parse_log_level("warn").value(), Log::Level::kWarn);
  EXPECT_EQ(parse_log_format("text").value(), Log::Format::kText);
  EXPECT_EQ(parse_log_level("loud").error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(parse_log_level("loud").error().message, HasSubstr("debug, info, warn or error"));
  EXPECT_FALSE(parse_log_format("xml"));
}

}  // namespace
}  // namespace berth
