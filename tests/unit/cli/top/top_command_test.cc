#include "cli/top/top_command.h"

#include <gtest/gtest.h>

namespace berth::cli {
namespace {

Json worker(const std::string& name, const std::string& state, int used, int capacity) {
  return {{"name", name},
          {"state", state},
          {"activities", used},
          {"used", {{"session", used}}},
          {"capacity", {{"session", capacity}}}};
}

TEST(TopText, ShowsPoolsAndTheirWorkersWithABarOfSlots) {
  const Json answer = {
      {"pools",
       {{{"namespace", "team"},
         {"name", "files"},
         {"slots", {{"capacity", 8}, {"used", 3}, {"free", 5}}},
         {"waiting", 2},
         {"members", {worker("files-0", "Active", 3, 4), worker("files-1", "Cordoned", 0, 4)}}},
        {{"namespace", "team"}, {"name", "empty"}, {"members", Json::array()}}}}};
  EXPECT_EQ(top_text(answer),
            "POOL        WORKERS  SLOTS  USED  FREE  WAITING\n"
            "team/files  2        8      3     5     2\n"
            "team/empty  0        -      -     -     -\n"
            "\n"
            "WORKER   STATE     USED  SLOTS  ACTIVITIES\n"
            "files-0  Active    3     4      3           ###.\n"
            "files-1  Cordoned  0     4      0           ....\n");
}

TEST(TopText, ABarIsAtMost40WideWhateverTheWorkerSays) {
  const auto bar = [](int used, int capacity) {
    const std::string text = top_text(
        {{"pools", {{{"name", "p"}, {"members", {worker("w", "Active", used, capacity)}}}}}});
    const std::size_t at = text.find_last_of(' ') + 1;
    return text.substr(at, text.size() - at - 1);
  };
  EXPECT_EQ(bar(500, 1000), std::string(20, '#') + std::string(20, '.'));
  EXPECT_EQ(bar(9, 4), "####");
  EXPECT_EQ(bar(-1, 4), "....");
}

TEST(TopText, AnAnswerOfAnotherKindIsAnEmptyTable) {
  const std::string empty = "POOL  WORKERS  SLOTS  USED  FREE  WAITING\n";
  for (const Json& answer : {Json(), Json(1), Json::object(), Json{{"pools", 3}}}) {
    EXPECT_EQ(top_text(answer), empty);
  }
}

TEST(FirstLines, SaysHowManyItLeavesOut) {
  const std::string text = "a\nb\nc\nd\n";
  EXPECT_EQ(first_lines(text, 4), text);
  EXPECT_EQ(first_lines(text, 0), text);
  EXPECT_EQ(first_lines(text, 3), "a\nb\n... 2 more lines; a taller window or --once shows them\n");
  EXPECT_EQ(first_lines(text, 1), "... 4 more lines; a taller window or --once shows them\n");
}

}  // namespace
}  // namespace berth::cli
