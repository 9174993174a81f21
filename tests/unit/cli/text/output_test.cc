#include "cli/text/output.h"

#include <fcntl.h>
#include <stdlib.h>

#include "berth/base/file.h"
#include "tests/unit/cli/cli_fixture.h"

namespace berth::cli {
namespace {

class ColoursTest : public CliTest {
 protected:
  ColoursTest() {
    terminal_.reset(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    set("TERM", "xterm-256color");
    unset("NO_COLOR");
  }
  UniqueFd terminal_;
};

TEST_F(ColoursTest, OnATerminalOnlyAndNotWhereSomebodyMindsThem) {
  ASSERT_TRUE(terminal_);
  EXPECT_TRUE(wants_colours(terminal_.get()));
  const UniqueFd file(::open((dir_ / "file").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  EXPECT_FALSE(wants_colours(file.get()));
  set("NO_COLOR", "1");
  EXPECT_FALSE(wants_colours(terminal_.get()));
  set("NO_COLOR", "");
  EXPECT_TRUE(wants_colours(terminal_.get())) << "as no-color.org has it";
  set("TERM", "dumb");
  EXPECT_FALSE(wants_colours(terminal_.get()));
}

TEST(ColouredTable, OnlyStatesAreColouredAndColumnsStayAligned) {
  Table t({"NAME", "STATE", "AGE"});
  t.add({"Active", "Active", "1s"});
  t.add({"b", "Unreadable", "2s"});
  t.add({"c", "Unheard", "3s"});
  EXPECT_EQ(t.text(true),
            "NAME    STATE       AGE\n"
            "Active  \x1b[32mActive\x1b[0m      1s\n"
            "b       \x1b[31mUnreadable\x1b[0m  2s\n"
            "c       Unheard     3s\n");
}

TEST(Output, DataIsJsonOrYaml) {
  const Json data = {{"a", 1}};
  EXPECT_EQ(data_text(Output::kJson, data), "{\n  \"a\": 1\n}\n");
  EXPECT_EQ(data_text(Output::kYaml, data), "a: 1\n");
  EXPECT_EQ(data_text(Output::kTable, data), "");
  EXPECT_EQ(data_text(Output::kJson, "\xff"), "\"\xEF\xBF\xBD\"\n");
  EXPECT_EQ(parse_output("wide"), Output::kWide);
  EXPECT_EQ(parse_output("name"), Output::kName);
}

TEST(ShellWord, IsOneWordWhateverIsInIt) {
  EXPECT_EQ(shell_word("/a/b-c_1.txt"), "/a/b-c_1.txt");
  EXPECT_EQ(shell_word("/my data/x"), "'/my data/x'");
  EXPECT_EQ(shell_word("it's"), "'it'\\''s'");
  EXPECT_EQ(shell_word(""), "''");
}

TEST(ShortBytes, AsPeopleReadThem) {
  EXPECT_EQ(short_bytes(0), "0");
  EXPECT_EQ(short_bytes(1023), "1023");
  EXPECT_EQ(short_bytes(1024), "1.0Ki");
  EXPECT_EQ(short_bytes(10.0 * 1024 * 1024), "10Mi");
  EXPECT_EQ(short_bytes(1.5 * 1024 * 1024 * 1024), "1.5Gi");
}

}  // namespace
}  // namespace berth::cli
