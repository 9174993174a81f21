#include "cli/why/why_command.h"

#include <algorithm>
#include <iostream>
#include <optional>
#include <vector>

#include "berth/api/session_pool.h"
#include "berth/base/duration.h"
#include "berth/kube/object.h"
#include "cli/pool/pool_view.h"
#include "cli/settings/kube_session.h"
#include "cli/text/table.h"
#include "cli/why/limits.h"

namespace berth::cli {
namespace {

constexpr std::size_t kEventsShown = 5;

std::string plural(std::int64_t n, const std::string& what) {
  return n == 1 ? what : what + "s";
}

std::string count(std::int64_t n, const std::string& what) {
  return std::to_string(n) + " " + plural(n, what);
}

std::string ago(const std::string& time, WallTime now) {
  const Result<WallTime> at = parse_rfc3339(time);
  return at ? short_age(to_seconds(now - *at)) + " ago" : "at some time";
}

std::string event_time(const Json& event) {
  const std::string last = string_at(event, {"series", "lastObservedTime"});
  return last.empty() ? string_at(event, {"eventTime"}) : last;
}

// Newest first, of this very pool.
std::vector<const Json*> events_of(const PoolFacts& facts) {
  std::vector<const Json*> out;
  const std::string uid = kube::uid_of(facts.pool);
  for (const Json& e : facts.events) {
    if (string_at(e, {"regarding", "uid"}) == uid) {
      out.push_back(&e);
    }
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const Json* a, const Json* b) { return event_time(*a) > event_time(*b); });
  return out;
}

struct HeldWorker {
  std::string name;
  std::string how;  // "cordoned", "draining"
};

std::vector<HeldWorker> held_by_people(const PoolFacts& facts) {
  std::vector<HeldWorker> out;
  for (const Json& pod : facts.pods) {
    if (!kube::annotation_of(pod, api::kDrainAnnotation).empty()) {
      out.push_back({kube::name_of(pod), "draining"});
    } else if (!kube::annotation_of(pod, api::kCordonAnnotation).empty()) {
      out.push_back({kube::name_of(pod), "cordoned"});
    }
  }
  return out;
}

class WhyText {
 public:
  WhyText(const PoolFacts& facts, WallTime now)
      : facts_(facts), now_(now), spec_(api::SessionPool::parse(facts.pool)) {}

  std::string text() {
    decision();
    inputs();
    limits();
    conditions();
    people();
    events();
    return std::move(out_);
  }

 private:
  std::optional<std::int64_t> number(std::initializer_list<std::string_view> path) const {
    const Json* v = find_path(facts_.pool, path);
    return v != nullptr && v->is_number_integer() ? std::optional(v->get<std::int64_t>())
                                                  : std::nullopt;
  }
  void heading(const std::string& text) { out_ += "\n" + text + "\n"; }

  void decision() {
    out_ += "Pool " + kube::key_of(facts_.pool) + ": " + pool_state(facts_.pool) + "\n";
    const Json* limited = pool_condition(facts_.pool, "ScalingLimited");
    const Json* ready = pool_condition(facts_.pool, "Ready");
    const Json* said = limited != nullptr ? limited : ready;
    if (said == nullptr) {
      out_ +=
          "The operator has not looked at it yet. Does one run? `kubectl get pods -n "
          "berth-system`\n";
      return;
    }
    heading("Decision");
    out_ += "  " + string_at(*said, {"message"}) + "\n";
    if (const Json* last = find_path(facts_.pool, {"status", "lastScale"})) {
      const auto at = [&](std::string_view key) {
        return std::to_string(get_int(*last, key).value_or(0));
      };
      out_ += "  Last change " + ago(string_at(*last, {"time"}), now_) + ": from " + at("from") +
              " to " + at("to") + " workers (" + string_at(*last, {"reason"}) + ")\n";
    }
    const auto generation = number({"metadata", "generation"});
    const auto observed = number({"status", "observedGeneration"});
    if (generation && observed && *observed < *generation) {
      out_ += "  The spec has changed since; the operator has not looked at it yet.\n";
    }
  }

  void inputs() {
    const auto used = number({"status", "scaling", "used"});
    const auto waiting = number({"status", "scaling", "waiting"});
    const auto kept = number({"status", "scaling", "keptFree"});
    const auto wanted = number({"status", "scaling", "wanted"});
    if (!used || !waiting || !kept || !wanted) {
      return;
    }
    heading("From");
    const auto leaving = number({"status", "slots", "used"}).value_or(*used) - *used;
    Table t({"  used", std::to_string(*used),
             plural(*used, "slot") + " with a session, on workers that take new ones" +
                 (leaving > 0 ? "; " + std::to_string(leaving) + " more on workers that are leaving"
                              : "")});
    t.add({"  waiting", std::to_string(*waiting), plural(*waiting, "session") + " without a slot"});
    t.add({"  kept free", std::to_string(*kept), kept_free_words(*kept)});
    if (spec_) {
      const std::int64_t sum = *used + *waiting + *kept;
      t.add({"  sum", std::to_string(sum),
             plural(sum, "slot") + "; a worker has " +
                 std::to_string(spec_->worker.sessions.max_per_worker) +
                 " (sessions.maxPerWorker)"});
    }
    t.add({"  wanted", std::to_string(*wanted), bounds_words(*wanted)});
    const std::int64_t there = number({"status", "workers", "current"}).value_or(0);
    t.add({"  there", std::to_string(there), workers_words(there)});
    out_ += t.text();
    const std::string observed = string_at(facts_.pool, {"status", "slots", "observedTime"});
    if (!observed.empty()) {
      out_ += "  Counted " + ago(observed, now_) +
              "; while only sessions come and go it is written at most every 30 s.\n";
    }
  }

  std::string kept_free_words(std::int64_t kept) const {
    if (!spec_) {
      return plural(kept, "slot");
    }
    const auto& free = spec_->scaling.free_slots;
    const std::string asked =
        "scaling.freeSlots: " + std::to_string(free.value) + (free.percent ? "%" : "");
    if (kept == 0 && free.value > 0) {
      return "slots: none, with nothing used or waiting for scaling.scaleToZeroAfter (" + asked +
             ")";
    }
    return plural(kept, "slot") + " (" + asked + ")";
  }
  std::string bounds_words(std::int64_t n) const {
    if (!spec_) {
      return plural(n, "worker");
    }
    if (spec_->workers) {
      return plural(n, "worker") + ", fixed by spec.workers; `berth pool scale " + spec_->name +
             " --auto` gives it back to the autoscaler";
    }
    return plural(n, "worker") + ", from " + std::to_string(spec_->scaling.min_workers) +
           " (scaling.minWorkers) to " + std::to_string(spec_->scaling.max_workers) +
           " (scaling.maxWorkers)";
  }
  std::string workers_words(std::int64_t n) const {
    std::string out = plural(n, "worker");
    const auto add = [&](std::optional<std::int64_t> some, const char* what) {
      if (some && *some > 0) {
        out += ", " + std::to_string(*some) + " " + what;
      }
    };
    add(number({"status", "workers", "ready"}), "ready");
    add(number({"status", "workers", "draining"}), "draining");
    add(number({"status", "scaling", "missing"}), "missing");
    return out;
  }

  void limits() {
    std::string limit = string_at(facts_.pool, {"status", "scaling", "limit"});
    if (limit.empty()) {
      const Json* limited = pool_condition(facts_.pool, "ScalingLimited");
      limit = limited == nullptr ? "" : string_at(*limited, {"reason"});
    }
    const LimitWords* words = limit_words(limit);
    if (words == nullptr) {
      return;
    }
    heading("Limited by " + limit);
    out_ += "  " + std::string(words->meaning) + ".\n";
    if (!words->way_out.empty()) {
      std::string way(words->way_out);
      if (const std::size_t at = way.find("POOL"); at != std::string::npos) {
        way.replace(at, 4, kube::name_of(facts_.pool));
      }
      out_ += "  Way out: " + way + ".\n";
    }
  }

  void conditions() {
    const auto show = [this](const char* type, const char* bad, const char* title) {
      const Json* c = pool_condition(facts_.pool, type);
      if (c == nullptr || string_at(*c, {"status"}) != bad) {
        return;
      }
      heading(title);
      out_ += "  " + string_at(*c, {"reason"}) + " (" +
              ago(string_at(*c, {"lastTransitionTime"}), now_) +
              "): " + string_at(*c, {"message"}) + "\n";
    };
    show("Degraded", "True", "Trouble");
    show("Progressing", "True", "Under way");
    show("DisruptionAware", "False", "Not protected");
  }

  void people() {
    const auto held = held_by_people(facts_);
    if (held.empty()) {
      return;
    }
    heading("Held by people");
    for (const HeldWorker& w : held) {
      out_ += "  " + w.name + " is " + w.how + "; `berth uncordon " + w.name + "` takes it back\n";
    }
  }

  void events() {
    const auto list = events_of(facts_);
    if (list.empty()) {
      return;
    }
    heading("Events");
    Table t({"  AGE", "REASON", "NOTE"});
    for (std::size_t i = 0; i < std::min(list.size(), kEventsShown); ++i) {
      const Json& e = *list[i];
      const Result<WallTime> at = parse_rfc3339(event_time(e));
      const auto times =
          get_int(e.contains("series") ? e.at("series") : Json(), "count").value_or(1);
      t.add({"  " + (at ? short_age(to_seconds(now_ - *at)) : "-"), string_at(e, {"reason"}),
             string_at(e, {"note"}) + (times > 1 ? " (" + std::to_string(times) + " times)" : "")});
    }
    out_ += t.text();
    if (list.size() > kEventsShown) {
      out_ += "  and " +
              count(static_cast<std::int64_t>(list.size() - kEventsShown), "older event") +
              ": `kubectl get events -n " + kube::namespace_of(facts_.pool) +
              " --field-selector regarding.name=" + kube::name_of(facts_.pool) + "`\n";
    }
  }

  const PoolFacts& facts_;
  const WallTime now_;
  const Result<api::SessionPool> spec_;
  std::string out_;
};

Result<PoolFacts> ask(KubeSession& session, const std::string& name) {
  PoolFacts facts;
  BERTH_ASSIGN(facts.pool, session.get(kube::kSessionPools, name));
  const auto items = [](const Json& list) {
    const Json* found = find(list, "items");
    return found != nullptr && found->is_array() ? *found : Json::array();
  };
  BERTH_ASSIGN(Json pods, session.list(kube::kPods, std::string(api::kPoolLabel) + "=" + name));
  facts.pods = items(pods);
  facts.events = Json::array();
  if (Result<Json> events = session.list(kube::kEvents, "", "regarding.name=" + name)) {
    facts.events = items(*std::move(events));
  } else {
    std::cerr << "berth: events are not shown: " << printable(events.error().text()) << '\n';
  }
  return facts;
}

// Names and sentences come from a server; the lines are ours.
std::string printable_lines(const std::string& text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    out += printable(std::string_view(text).substr(at, end - at)) + "\n";
    at = end + 1;
  }
  return out;
}

}  // namespace

std::string why_text(const PoolFacts& facts, WallTime now) {
  return printable_lines(WhyText(facts, now).text());
}

Json why_data(const PoolFacts& facts) {
  const auto member = [&](std::string_view key) {
    const Json* v = find_path(facts.pool, {"status", key});
    return v == nullptr ? Json() : *v;
  };
  const Json* limited = pool_condition(facts.pool, "ScalingLimited");
  Json held = Json::array();
  for (const HeldWorker& w : held_by_people(facts)) {
    held.push_back({{"worker", w.name}, {"state", w.how}});
  }
  Json events = Json::array();
  for (const Json* e : events_of(facts)) {
    events.push_back({{"time", event_time(*e)},
                      {"reason", string_at(*e, {"reason"})},
                      {"note", string_at(*e, {"note"})}});
  }
  return {{"namespace", kube::namespace_of(facts.pool)},
          {"pool", kube::name_of(facts.pool)},
          {"state", pool_state(facts.pool)},
          {"decision", limited == nullptr ? Json() : Json(string_at(*limited, {"message"}))},
          {"scaling", member("scaling")},
          {"workers", member("workers")},
          {"lastScale", member("lastScale")},
          {"conditions", member("conditions")},
          {"heldByPeople", std::move(held)},
          {"events", std::move(events)}};
}

int why(const Flags& flags, const std::string& pool, Output output) {
  const auto session = KubeSession::open(flags);
  if (!session) {
    return report(session.error());
  }
  const Result<PoolFacts> facts = ask(**session, pool);
  if (!facts) {
    return report(facts.error());
  }
  std::cout << (output == Output::kTable ? why_text(*facts, SystemClock().wall_now())
                                         : data_text(output, why_data(*facts)));
  return 0;
}

}  // namespace berth::cli
