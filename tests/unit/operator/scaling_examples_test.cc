// The worked examples of docs/scaling.md, row by row. A table's first heading holds the pool's
// settings, the others name what a row gives (used, waiting, time) and what must come of it.
#include <gtest/gtest.h>

#include <charconv>
#include <functional>
#include <map>
#include <set>
#include <sstream>

#include "berth/api/session_pool.h"
#include "berth/base/file.h"
#include "operator/scaling/schedule.h"
#include "tests/unit/operator/pool_builder.h"

namespace berth::op {
namespace {

using Row = std::map<std::string, std::string>;

struct Table {
  std::string settings;
  std::vector<Row> rows;
};

std::string trim(const std::string& text) {
  const auto from = text.find_first_not_of(' ');
  return from == std::string::npos ? "" : text.substr(from, text.find_last_not_of(' ') - from + 1);
}

std::vector<std::string> cells(const std::string& line) {
  std::vector<std::string> out;
  std::istringstream in(line.substr(1));
  for (std::string cell; std::getline(in, cell, '|');) {
    out.push_back(trim(cell));
  }
  return out;
}

/// The tables whose first heading begins with a setting: "`maxPerWorker: 4`, ...".
std::vector<Table> tables_of(const std::string& text) {
  std::vector<Table> out;
  std::vector<std::string> names;
  std::string before;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line); before = line) {
    if (!line.starts_with("|")) {
      names.clear();
    } else if (line.starts_with("|---") && before.starts_with("| `")) {
      names = cells(before);
      out.push_back({names[0], {}});
    } else if (!names.empty()) {
      const auto values = cells(line);
      EXPECT_EQ(values.size(), names.size()) << line;
      Row row{{"what", values[0]}};
      for (std::size_t i = 1; i < std::min(names.size(), values.size()); ++i) {
        row[names[i]] = values[i];
      }
      out.back().rows.push_back(std::move(row));
    }
  }
  return out;
}

/// "`maxPerWorker: 4`, `freeSlots: 2`" as the pool that says so.
api::SessionPool pool_of(const std::string& settings) {
  Json object = {
      {"metadata", {{"name", "files"}, {"namespace", "default"}}},
      {"spec", {{"sessions", {{"maxPerWorker", 4}}}, {"scaling", {{"maxWorkers", 20}}}}}};
  std::istringstream in(settings);
  for (std::string part; std::getline(in, part, '`') && std::getline(in, part, '`');) {
    const auto parsed = api::yaml_to_json(part, "docs/scaling.md");
    EXPECT_TRUE(parsed) << parsed.error().text();
    for (const auto& [key, value] : parsed->items()) {
      Json& spec = object["spec"];
      (key == "workers"                              ? spec
       : key == "maxPerWorker" || key == "resources" ? spec["sessions"]
                                                     : spec["scaling"])[key] = value;
    }
  }
  const auto pool = api::SessionPool::parse(object);
  EXPECT_TRUE(pool) << settings << ": " << pool.error().text();
  return *pool;
}

std::int64_t number(const std::string& text) {
  std::int64_t value = -1;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// One pool that lives through the rows of a table.
struct Example : PoolBuilder {
  explicit Example(const std::string& settings) {
    const api::SessionPool parsed = pool_of(settings);
    pool->scaling = parsed.scaling;
    pool->worker.sessions = parsed.worker.sessions;
    pool->workers = parsed.workers;
  }

  void show(const Row& row) {
    o.workers.clear();
    o.demand.waiting.clear();
    std::istringstream workers(row.at("used"));
    for (std::string word; workers >> word && word != "none";) {
      if (word == "starting" || word == "unschedulable") {
        add_starting().unschedulable = word == "unschedulable";
        continue;
      }
      Worker& w = add(number(word));
      for (const auto& [name, amount] : pool->worker.sessions.resources) {
        w.slots->capacity[name] = amount;
      }
    }
    const std::string& waiting = row.at("waiting");
    api::Resources each;
    if (const auto with = waiting.find(" with gpu: "); with != std::string::npos) {
      each["gpu"] = number(waiting.substr(with + 11));
    }
    wait(static_cast<int>(number(waiting)), each);
  }

  /// As the applier does when it acts.
  void carry_out(const Plan& p) {
    for (const Action& a : p.actions) {
      if (a.rated) {
        (a.kind == Action::Kind::kCreate ? o.history.created : o.history.removed).push_back(now);
      }
    }
  }
};

void expect(const Plan& p, const Row& row) {
  const std::map<std::string, std::function<std::string()>> come_of_it = {
      {"kept free", [&] { return std::to_string(p.scaling.load.buffer); }},
      {"want", [&] { return std::to_string(p.scaling.want); }},
      {"adds", [&] { return std::to_string(p.scaling.create); }},
      {"gives up", [&] { return std::to_string(p.scaling.remove); }},
      {"limit", [&] { return std::string(to_string(p.scaling.limit)); }},
      {"says", [&] { return p.scaling.sentence; }}};
  const std::set<std::string> given = {"what", "time", "used", "waiting"};
  for (const auto& [name, value] : row) {
    if (given.contains(name)) {
      continue;
    }
    const auto it = come_of_it.find(name);
    ASSERT_NE(it, come_of_it.end()) << "no such column: " << name;
    EXPECT_EQ(it->second(), value) << name << " of: " << row.at("what") << "\n"
                                   << p.scaling.sentence;
  }
}

void check_scaling(const Table& table) {
  Example running(table.settings);
  const TimePoint start = running.now;
  for (const Row& row : table.rows) {
    if (const auto time = row.find("time"); time != row.end()) {
      const auto colon = time->second.find(':');
      running.now = start + std::chrono::minutes(number(time->second.substr(0, colon))) +
                    std::chrono::seconds(std::stoi(time->second.substr(colon + 1)));
      running.show(row);
      const Plan p = running.plan();
      running.carry_out(p);
      expect(p, row);
      continue;
    }
    Example fresh(table.settings);
    fresh.show(row);
    (void)fresh.plan();
    fresh.now += std::chrono::hours(1);
    expect(fresh.plan(), row);
  }
}

void check_schedule(const Table& table) {
  const auto book = ScheduleBook::make(pool_of(table.settings).scaling.schedules);
  ASSERT_TRUE(book) << book.error().text();
  for (const Row& row : table.rows) {
    const auto moment = parse_rfc3339(row.at("moment"));
    ASSERT_TRUE(moment) << row.at("moment");
    EXPECT_EQ(std::to_string(book->at(*moment).min_workers), row.at("at least"))
        << row.at("what") << ", " << row.at("moment");
  }
}

TEST(ScalingExamples, AreWhatTheOperatorDoes) {
  const auto text = read_file(BERTH_SCALING_PAGE, 1u << 20);
  ASSERT_TRUE(text) << text.error().text();
  std::set<std::string> columns;
  std::set<std::string> limits;
  for (const Table& table : tables_of(*text)) {
    SCOPED_TRACE(table.settings);
    ASSERT_FALSE(table.rows.empty());
    for (const Row& row : table.rows) {
      for (const auto& [name, value] : row) {
        columns.insert(name);
        if (name == "limit") {
          limits.insert(value);
        }
      }
    }
    table.rows[0].contains("moment") ? check_schedule(table) : check_scaling(table);
  }
  for (const char* column :
       {"kept free", "want", "adds", "gives up", "limit", "says", "at least"}) {
    EXPECT_TRUE(columns.contains(column)) << "no example has a column " << column;
  }
  for (const ScalingLimit limit :
       {ScalingLimit::kMinWorkers, ScalingLimit::kMaxWorkers, ScalingLimit::kUpRate,
        ScalingLimit::kDownRate, ScalingLimit::kStabilization, ScalingLimit::kTolerance,
        ScalingLimit::kUnschedulable, ScalingLimit::kPaused}) {
    EXPECT_TRUE(limits.contains(std::string(to_string(limit))))
        << "no example of " << to_string(limit);
  }
}

/// The reader of tables itself: a page that is read wrongly would prove nothing.
TEST(ScalingExamples, AWrongNumberWouldBeSeen) {
  const auto tables = tables_of(
      "| `maxPerWorker: 4` | used | waiting | want |\n|---|---|---|---|\n"
      "| a | 4 1 | 2 | 3 |\n\n| limit | when |\n|---|---|\n| `x: 1` | y |\n");
  ASSERT_EQ(tables.size(), 1U);
  ASSERT_EQ(tables[0].rows.size(), 1U);
  EXPECT_EQ(tables[0].rows[0].at("want"), "3");
  Example e(tables[0].settings);
  e.show(tables[0].rows[0]);
  EXPECT_EQ(e.plan().scaling.want, 2) << "7 + 1 kept free of 4 a worker";
}

}  // namespace
}  // namespace berth::op
