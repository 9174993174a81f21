// The SessionPool of deploy/crd and the reader in lib/api are two texts about one thing. Here each
// is held against the other: same fields, same bounds, same defaults. Whether the API server
// understands the schema: tests/e2e/crd.
#include <gtest/gtest.h>

#include <algorithm>
#include <regex>

#include "berth/api/session_pool.h"
#include "berth/base/duration.h"
#include "berth/base/file.h"
#include "tests/unit/deploy/crd_schema.h"
#include "tests/unit/deploy/reader.h"

namespace berth::deploy {
namespace {

/// Optional fields for which absent means something that no value says.
const std::set<std::string> kWithoutDefault = {
    "spec.template",  // A pod with the worker only.
    "spec.workers",   // The autoscaler decides.
    "spec.worker.image",
    "spec.worker.resources",
    "spec.worker.activities",
    "spec.worker.activities[0].command",
    "spec.worker.activities[1].http",
    "spec.worker.activities[1].http.cancelUrl",
    "spec.worker.activities[0].env",
    "spec.sessions.resources",
    "spec.sessions.defaults",  // Each follows a lower limit.
    "spec.sessions.defaults.creationTimeout",
    "spec.sessions.defaults.executionTimeout",
    "spec.sessions.defaults.heartbeatTimeout",
    "spec.scaling.schedules",
    "spec.scaling.scaleUp",
    "spec.scaling.scaleUp.maxWorkersPerMinute",
    "spec.scaling.scaleDown.maxWorkersPerMinute",
};
Json crd() {
  const auto text = read_file(BERTH_CRD_FILE, 1u << 20);
  EXPECT_TRUE(text) << text.error().text();
  const auto parsed = api::yaml_to_json(*text, BERTH_CRD_FILE);
  EXPECT_TRUE(parsed) << parsed.error().text();
  return *parsed;
}

void expect_accepted(const Place& p, const Json& value) {
  EXPECT_EQ(error_of(with(roomy_pool(), p.pointer, value)), "")
      << "the schema allows " << p.path << ": " << value.dump().substr(0, 80);
}

void expect_refused(const Place& p, const Json& value) {
  const auto r = api::SessionPool::parse(with(roomy_pool(), p.pointer, value));
  ASSERT_FALSE(r) << "the schema refuses " << p.path << ": " << value.dump().substr(0, 80);
  EXPECT_TRUE(r.error().field.starts_with(p.path)) << r.error().text();
}

/// Another value than `value` that the schema allows too.
Json other_value(const Place& p, const Json& value) {
  if (p.is_share()) {
    return value == 2 ? 3 : 2;
  }
  if (p.is_duration()) {
    return value == "2s" ? "3s" : "2s";
  }
  if (p.schema.contains("enum")) {
    return p.schema["enum"][0] == value ? p.schema["enum"][1] : p.schema["enum"][0];
  }
  if (p.type() == "boolean") {
    return !value.get<bool>();
  }
  if (p.type() == "string") {
    return value == "Europe/Berlin" ? "Europe/Paris" : "Europe/Berlin";
  }
  return p.schema["maximum"] == value ? p.schema["minimum"] : p.schema["maximum"];
}

/// A good value of that many bytes.
std::string text_of(const Place& p, std::size_t size) {
  std::string text = p.path.ends_with("rl")     ? "http://127.0.0.1/"
                     : p.path.ends_with("cron") ? "* * * * 1"
                                                : "";
  const char fill = p.path.ends_with("cron") ? ' ' : 'a';
  text.insert(p.path.ends_with("cron") ? 1 : text.size(), std::string(size - text.size(), fill));
  return text;
}

class Crd : public testing::Test {
 protected:
  const std::vector<Place> places_ = places_of(crd());
};

TEST_F(Crd, HasTheFieldsThatTheReaderKnowsAndNoOther) {
  int compared = 0;
  for (const Place& p : places_) {
    if (!p.is_object() || p.is_opaque()) {
      continue;
    }
    EXPECT_EQ(p.members(), fields_that_the_reader_knows(p)) << p.path;
    ++compared;
  }
  EXPECT_GE(compared, 12);
}

TEST_F(Crd, HasTheReadersBoundsOfNumbers) {
  int compared = 0;
  for (const Place& p : places_) {
    if (p.type() == "integer") {
      ASSERT_TRUE(p.schema.contains("minimum") && p.schema.contains("maximum")) << p.path;
      const auto low = p.schema["minimum"].get<std::int64_t>();
      const auto high = p.schema["maximum"].get<std::int64_t>();
      expect_accepted(p, low);
      expect_refused(p, low - 1);
      expect_accepted(p, high);
      expect_refused(p, high + 1);
      ++compared;
    } else if (p.type() == "number") {
      expect_accepted(p, p.schema["minimum"]);
      expect_refused(p, p.schema["minimum"].get<double>() - 0.01);
      expect_accepted(p, p.schema["maximum"]);
      expect_refused(p, p.schema["maximum"].get<double>() + 0.01);
    }
  }
  EXPECT_GE(compared, 12);
}

TEST_F(Crd, HasTheReadersBoundsOfDurations) {
  int compared = 0;
  for (const Place& p : places_) {
    if (!p.is_duration()) {
      continue;
    }
    const auto low = p.said(">= duration('", "'");
    const auto high = p.said("<= duration('", "'");
    ASSERT_TRUE(high) << p.path;
    expect_accepted(p, *high);
    expect_refused(p, *high + "1us");
    if (low) {
      expect_accepted(p, *low);
      expect_refused(p, format_duration(*parse_duration(*low) - std::chrono::microseconds(1)));
    } else {
      expect_accepted(p, "0s");
    }
    ++compared;
  }
  EXPECT_GE(compared, 12);
}

TEST_F(Crd, WritesDurationsAsTheReaderDoes) {
  for (const Place& p : places_) {
    if (!p.is_duration()) {
      continue;
    }
    const std::regex form(*p.said("self.matches('", "')"));
    for (const char* text : {"20s", "1h30m", "250ms", "1.5h", ".5s", "1.s", "7us", "0", "", "5",
                             "-1s", "+1s", "1d", "1h 2m", "s", ".s", "1S", "0x1s"}) {
      EXPECT_EQ(std::regex_match(text, form), parse_duration(text).has_value())
          << p.path << ": " << text;
    }
  }
}

TEST_F(Crd, HasTheReadersSharesAndCounts) {
  int compared = 0;
  for (const Place& p : places_) {
    if (!p.is_share()) {
      continue;
    }
    const std::int64_t most = std::stoll(*p.said("self <= ", " :"));
    const std::int64_t most_percent = std::stoll(*p.said("(0% to ", "%)"));
    const std::regex form(*p.said("self.matches('", "')"));
    for (const std::int64_t percent : {std::int64_t{0}, std::int64_t{9}, std::int64_t{10},
                                       most_percent, most_percent + 1, std::int64_t{-1}}) {
      const std::string text = std::to_string(percent) + "%";
      EXPECT_EQ(std::regex_match(text, form), error_of(with(roomy_pool(), p.pointer, text)).empty())
          << p.path << ": " << text;
    }
    expect_accepted(p, 0);
    expect_refused(p, -1);
    expect_accepted(p, most);
    expect_refused(p, most + 1);
    ++compared;
  }
  EXPECT_EQ(compared, 3);
}

TEST_F(Crd, HasTheReadersWords) {
  int compared = 0;
  for (const Place& p : places_) {
    if (p.schema.contains("enum")) {
      for (const Json& word : p.schema["enum"]) {
        expect_accepted(p, word);
      }
      expect_refused(p, "Other");
      ++compared;
    } else if (p.type() == "boolean") {
      expect_accepted(p, true);
      expect_refused(p, "true");
    }
  }
  EXPECT_EQ(compared, 2);
}

TEST_F(Crd, HasTheReadersSizes) {
  for (const Place& p : places_) {
    if (p.schema.contains("maxItems")) {
      const auto most = p.schema["maxItems"].get<std::size_t>();
      const auto list = [&](std::size_t size) {
        Json out = Json::array();
        for (std::size_t i = 0; i < size; ++i) {
          Json item = roomy_pool().at(Json::json_pointer(p.pointer)).at(0);
          if (item.is_object()) {
            item["name"] = "a" + std::to_string(i);
          }
          out.push_back(std::move(item));
        }
        return out;
      };
      expect_accepted(p, list(most));
      expect_refused(p, list(most + 1));
    }
    if (p.schema.contains("maxProperties")) {
      const auto most = p.schema["maxProperties"].get<std::size_t>();
      const bool numbers = p.schema["additionalProperties"]["type"] == "integer";
      const auto map = [&](std::size_t size) {
        Json out = Json::object();
        for (std::size_t i = 0; i < size; ++i) {
          out["a" + std::to_string(i)] = numbers ? Json(1) : Json("x");
        }
        return out;
      };
      expect_accepted(p, map(most));
      expect_refused(p, map(most + 1));
    }
    if (p.type() == "string" && !p.schema.contains("enum") && !p.is_duration()) {
      const auto most = p.schema["maxLength"].get<std::size_t>();
      expect_accepted(p, text_of(p, most));
      expect_refused(p, text_of(p, most + 1));
    }
  }
}

TEST_F(Crd, HasTheReadersDefaults) {
  int compared = 0;
  for (const Place& p : places_) {
    if (p.required || p.is_object() || p.is_opaque()) {
      continue;
    }
    if (!p.schema.contains("default")) {
      EXPECT_TRUE(kWithoutDefault.contains(p.path)) << p.path << " has no default";
      continue;
    }
    Json bare = roomy_pool();
    bare["spec"]["sessions"].erase("limits");
    bare["spec"].erase("rollout");
    const Json& value = p.schema["default"];
    EXPECT_EQ(described(bare), described(with(bare, p.pointer, value))) << p.path;
    EXPECT_NE(described(bare), described(with(bare, p.pointer, other_value(p, value))))
        << p.path << " is not compared: add it to described()";
    ++compared;
  }
  EXPECT_GE(compared, 20);
}

TEST_F(Crd, ReadsCronAsTheReaderDoes) {
  const auto cron = std::find_if(places_.begin(), places_.end(),
                                 [](const Place& p) { return p.path.ends_with(".cron"); });
  ASSERT_NE(cron, places_.end());
  const std::regex form(*cron->said("self.matches('", "')"));
  for (const char* text : {"* * * * *",
                           "0 8 * * 1-5",
                           "*/15 0-23/2 1,15 JAN-mar,12 Sun",
                           "059 08 031 012 7",
                           "5/10 * * * *",
                           "  0  8 *  *  0 ",
                           "0 0 * * fri-SUN",
                           "60 * * * *",
                           "-1 * * * *",
                           "* 24 * * *",
                           "* * 0 * *",
                           "* * 32 * *",
                           "* * * 0 *",
                           "* * * 13 *",
                           "* * * * 8",
                           "@daily",
                           "* * * *",
                           "* * * * * *",
                           "",
                           "*/0 * * * *",
                           "*/60 * * * *",
                           "* */24 * * *",
                           "1, * * * *",
                           ",1 * * * *",
                           "1-2-3 * * * *",
                           "1--2 * * * *",
                           "*-5 * * * *",
                           "a * * * *",
                           "* * * FOO *",
                           "* * * * JAN",
                           "1/2/3 * * * *",
                           "* * L * *",
                           "* * * * 1#2",
                           "? * * * *"}) {
    EXPECT_EQ(std::regex_match(text, form), api::Cron::parse(text).has_value()) << text;
  }
  // What needs arithmetic is left to the operator.
  for (const char* text : {"5-1 * * * *", "0 0 30 FEB *"}) {
    EXPECT_TRUE(std::regex_match(text, form)) << text;
    EXPECT_FALSE(api::Cron::parse(text)) << text;
  }
}

TEST_F(Crd, OfATemplateRefusesWhatTheReaderRefuses) {
  const auto refused = [](const std::string& pointer, const Json& value) {
    const auto r = api::SessionPool::parse(with(roomy_pool(), "/spec/template" + pointer, value));
    return r ? "" : r.error().field;
  };
  EXPECT_EQ(refused("/metadata/labels", {{"berth.dev/pool", "x"}}),
            "spec.template.metadata.labels");
  EXPECT_EQ(refused("/metadata/annotations", {{"berth.dev/drain", "true"}}),
            "spec.template.metadata.annotations");
  EXPECT_EQ(refused("/metadata/annotations", {{"example.com/berth.dev/", "x"}}), "");
  EXPECT_EQ(refused("/spec/restartPolicy", "Never"), "spec.template.spec.restartPolicy");
  EXPECT_EQ(refused("/spec/restartPolicy", "Always"), "");
  EXPECT_EQ(refused("/spec/terminationGracePeriodSeconds", 5),
            "spec.template.spec.terminationGracePeriodSeconds");
  const std::string schema = crd().dump();
  for (const char* rule : {"labels under berth.dev/", "annotations under berth.dev/",
                           "must be Always", "follows spec.drain.timeout"}) {
    EXPECT_NE(schema.find(rule), std::string::npos) << rule;
  }
}

TEST_F(Crd, ShowsTheColumnsThatPeopleReadInTheirOrder) {
  std::vector<std::string> names;
  const Json version = crd()["spec"]["versions"][0];
  for (const Json& column : version.at("additionalPrinterColumns")) {
    names.push_back(column["name"]);
    EXPECT_EQ(column.value("priority", 0), 0);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"Workers", "Ready", "Slots", "Used", "Waiting",
                                             "Status", "Age"}));
}

TEST_F(Crd, DescribesEveryFieldAndSaysItsDefault) {
  for (const Place& p : places_) {
    if (p.path.ends_with("]")) {
      continue;
    }
    const std::string text = p.schema.value("description", "");
    EXPECT_FALSE(text.empty()) << p.path;
    if (p.is_duration()) {
      EXPECT_NE(text.find("A duration like"), std::string::npos) << p.path;
    }
    if (!p.is_object() && p.schema.contains("default")) {
      EXPECT_NE(text.find("Default: "), std::string::npos) << p.path;
    }
    if (p.required && p.path != "spec") {
      EXPECT_NE(text.find("Required."), std::string::npos) << p.path;
    }
  }
}

}  // namespace
}  // namespace berth::deploy
