#include "operator/status/status.h"

#include <algorithm>
#include <string>

#include "berth/api/worker_address.h"
#include "berth/base/duration.h"

namespace berth::op {
namespace {

constexpr Duration kCountsEvery = std::chrono::seconds(30);

struct Condition {
  std::string type;
  bool value = false;
  std::string reason;
  std::string message;
};

Json find_condition(const Json& status, const std::string& type) {
  if (const Json* all = find(status, "conditions"); all != nullptr && all->is_array()) {
    for (const Json& c : *all) {
      if (get_string(c, "type") == type) {
        return c;
      }
    }
  }
  return nullptr;
}

Json conditions(const Json& old_status, const std::vector<Condition>& wanted,
                std::int64_t generation, WallTime wall) {
  Json out = Json::array();
  for (const Condition& c : wanted) {
    const std::string status = c.value ? "True" : "False";
    std::string since = format_rfc3339(wall);
    if (const Json old = find_condition(old_status, c.type); string_at(old, {"status"}) == status) {
      since = get_string(old, "lastTransitionTime").value_or(since);
    }
    out.push_back({{"type", c.type},
                   {"status", status},
                   {"reason", c.reason},
                   {"message", c.message},
                   {"observedGeneration", generation},
                   {"lastTransitionTime", since}});
  }
  return out;
}

Condition ready_condition(const Observed& o, const Plan& p, const PoolCounts& n) {
  const std::string sentence = p.scaling.sentence;
  if (p.deletion) {
    return {"Ready", false, "Deleting", sentence};
  }
  if (!o.refusal.empty() && n.ready == 0) {
    return {"Ready", false, "PodRefused", o.refusal};
  }
  if (o.pool->workers) {
    return {"Ready", n.ready >= *o.pool->workers, "Fixed", sentence};
  }
  if (o.pool->scaling.paused) {
    return {"Ready", n.ready > 0 || p.scaling.want == 0, "Paused", sentence};
  }
  if (n.slots_free > 0) {
    return {"Ready", true, "SlotsFree", sentence};
  }
  if (p.scaling.want == 0 && n.waiting == 0) {
    return {"Ready", true, "ScaledToZero", sentence};
  }
  if (n.starting > 0 || p.scaling.create > 0) {
    return {"Ready", n.ready > 0, "Starting", sentence};
  }
  return {"Ready", n.ready > 0, n.ready > 0 ? "Full" : "NoWorkers", sentence};
}

// How the three who meet a certificate first name it: the kubelet that mounts the Secret by our
// volume's name, the worker that cannot serve with it, and our own calls that do not trust it.
bool about_certificate(const std::string& trouble) {
  for (const char* sign : {"volume \"berth-tls\"", "tlsCertificate", "TLS: its certificate"}) {
    if (trouble.find(sign) != std::string::npos) {
      return true;
    }
  }
  return false;
}

std::optional<Condition> certificate_condition(const Observed& o) {
  const std::string& secret = o.pool->worker_tls_secret;
  for (const Worker& w : o.workers) {
    const std::string& trouble = w.trouble.empty() ? w.unheard : w.trouble;
    if (!w.deleting && !w.finished && about_certificate(trouble)) {
      return Condition{"Degraded", true, "CertificateUnusable",
                       w.name + ": " + trouble +
                           (secret.empty() ? ""
                                           : "; spec.worker.tls needs Secret " + secret +
                                                 " with tls.crt and tls.key, a certificate for " +
                                                 api::worker_server_name(o.pool->ns) +
                                                 " that gateway and operator trust")};
    }
  }
  return std::nullopt;
}

std::string unreadable(const Observed& o, std::int64_t count) {
  std::string out = std::to_string(count) + " workers do not answer; they count as full";
  const auto why = std::find_if(o.workers.begin(), o.workers.end(), [](const Worker& w) {
    return w.phase() == WorkerPhase::kUnreadable && !w.unheard.empty();
  });
  return why == o.workers.end() ? out : out + " (" + why->name + ": " + why->unheard + ")";
}

Condition degraded_condition(const Observed& o, const Plan& p, const PoolCounts& n) {
  if (!o.keys_trouble.empty()) {
    return {"Degraded", true, "KeysNotPublished", o.keys_trouble};
  }
  if (!o.refusal.empty()) {
    return {"Degraded", true, "PodRefused", o.refusal};
  }
  if (p.scaling.impossible > 0) {
    return {"Degraded", true, "ImpossibleSessions",
            std::to_string(p.scaling.impossible) +
                " waiting sessions ask for more resources than any worker of this pool has"};
  }
  if (auto certificate = certificate_condition(o)) {
    return *std::move(certificate);
  }
  if (n.unreadable > 0) {
    return {"Degraded", true, "UnreadableWorkers", unreadable(o, n.unreadable)};
  }
  if (p.rollout.reason == "NewRevisionFailing") {
    return {"Degraded", true, p.rollout.reason, p.rollout.message};
  }
  for (const auto& [revision, row] : p.history.failures) {
    return {"Degraded", true, "FailingPods",
            std::to_string(row.in_a_row) + " worker pods in a row have failed"};
  }
  for (const Worker& w : o.workers) {
    if (!w.trouble.empty() && !w.deleting) {
      return {"Degraded", true, "FailingPods", w.name + ": " + w.trouble};
    }
  }
  if (o.demand.silent) {
    return {"Degraded", true, "GatewayUnreadable",
            "a gateway does not answer, so no worker is given up"};
  }
  return {"Degraded", false, "AllWell", ""};
}

Condition progressing_condition(const Plan& p, const PoolCounts& n) {
  if (p.deletion) {
    return {"Progressing", true, "Deleting", p.deletion->waits_for};
  }
  if (!p.rollout.reason.empty()) {
    return {"Progressing", true, p.rollout.reason, p.rollout.message};
  }
  if (n.starting > 0 || n.draining > 0 || n.terminating > 0 || n.current != n.desired) {
    return {"Progressing", true, "WorkersChanging",
            std::to_string(n.starting) + " starting, " + std::to_string(n.draining) +
                " draining, " + std::to_string(n.terminating) + " ending"};
  }
  return {"Progressing", false, "Settled", ""};
}

Condition disruption_condition(const Surroundings& s) {
  if (s.nodes_forbidden) {
    return {"DisruptionAware", false, "NodesForbidden",
            "the operator may not read nodes: workers are not moved before their node leaves"};
  }
  if (!s.budget_trouble.empty()) {
    return {"DisruptionAware", false, "NoDisruptionBudget", s.budget_trouble};
  }
  return {"DisruptionAware", true, "Watching", ""};
}

bool is_hold(ScalingLimit limit) {
  switch (limit) {
    case ScalingLimit::kMaxWorkers:
    case ScalingLimit::kMaxSurge:
    case ScalingLimit::kUpRate:
    case ScalingLimit::kUnschedulable:
    case ScalingLimit::kFailures:
    case ScalingLimit::kNoData:
    case ScalingLimit::kPaused:
      return true;
    default:
      return false;
  }
}

// Everything that may lag: numbers that follow sessions, and the sentence that quotes them.
Json without_session_numbers(Json status) {
  if (!status.is_object()) {
    return status;
  }
  status.erase("slots");
  status.erase("waiting");
  status.erase("scaling");  // The limit is the condition's reason too.
  if (auto it = status.find("conditions"); it != status.end() && it->is_array()) {
    for (Json& c : *it) {
      if (c.is_object()) {
        c.erase("message");
        c.erase("lastTransitionTime");
        if (get_string(c, "type") == "Ready") {
          // SlotsFree and Full alternate with every session; True and False do not.
          c.erase("reason");
        }
      }
    }
  }
  return status;
}

}  // namespace

PoolCounts count(const Observed& observed, const Plan& plan, TimePoint now) {
  PoolCounts n;
  n.desired = plan.scaling.target;
  n.waiting = plan.scaling.load.waiting;
  for (const Worker& w : observed.workers) {
    const WorkerPhase phase = w.phase();
    if (phase == WorkerPhase::kFailed || w.overdue(now)) {
      ++n.failed;
      continue;
    }
    if (phase == WorkerPhase::kTerminating) {
      ++n.terminating;
    } else {
      ++n.current;
      n.updated += w.revision == observed.revision ? 1 : 0;
    }
    n.starting += phase == WorkerPhase::kStarting ? 1 : 0;
    n.cordoned += phase == WorkerPhase::kCordoned ? 1 : 0;
    n.draining += phase == WorkerPhase::kDraining || phase == WorkerPhase::kRetired ||
                          phase == WorkerPhase::kCordoned
                      ? 1
                      : 0;
    n.unreadable += phase == WorkerPhase::kUnreadable ? 1 : 0;
    if (!w.slots) {
      continue;
    }
    const auto slots = [](const api::Resources& r) {
      const auto it = r.find(api::kSlot);
      return it == r.end() ? std::int64_t{0} : it->second;
    };
    const std::int64_t capacity = slots(w.slots->capacity);
    const std::int64_t used = slots(w.slots->used);
    n.slots_used += used;
    if (phase == WorkerPhase::kAdmitting) {
      n.ready += w.ready ? 1 : 0;
      n.slots_capacity += capacity;
      n.slots_free += capacity - used;
    } else {
      n.slots_capacity += used;
    }
  }
  return n;
}

Json make_status(const Observed& observed, const Plan& plan, const PoolCounts& n,
                 const Surroundings& surroundings, const Json& old, WallTime wall) {
  const ScalingDecision& s = plan.scaling;

  Json status;
  status["observedGeneration"] = observed.pool->generation;
  status["selector"] = std::string(api::kPoolLabel) + "=" + observed.pool->name;
  status["workers"] = {{"desired", n.desired},
                       {"current", n.current},
                       {"ready", n.ready},
                       {"updated", n.updated},
                       {"draining", n.draining}};
  status["slots"] = {{"capacity", n.slots_capacity},
                     {"used", n.slots_used},
                     {"free", n.slots_free},
                     {"observedTime", format_rfc3339(wall)}};
  status["waiting"] = n.waiting;
  if (!plan.deletion) {
    status["scaling"] = {{"used", s.load.used},       {"waiting", s.load.waiting},
                         {"keptFree", s.load.buffer}, {"wanted", s.want},
                         {"missing", s.short_by},     {"limit", to_string(s.limit)}};
  }
  const Json* last = find(old, "lastScale");
  const Json* old_desired = find_path(old, {"workers", "desired"});
  const std::int64_t before = old_desired != nullptr && old_desired->is_number_integer()
                                  ? old_desired->get<std::int64_t>()
                                  : 0;
  if (before != n.desired) {
    status["lastScale"] = {{"time", format_rfc3339(wall)},
                           {"from", before},
                           {"to", n.desired},
                           {"reason", s.sentence}};
  } else if (last != nullptr) {
    status["lastScale"] = *last;
  }
  status["conditions"] =
      conditions(old,
                 {ready_condition(observed, plan, n),
                  progressing_condition(plan, n),
                  {"ScalingLimited", is_hold(s.limit), std::string(to_string(s.limit)), s.sentence},
                  degraded_condition(observed, plan, n),
                  disruption_condition(surroundings)},
                 observed.pool->generation, wall);
  return status;
}

std::optional<Notice> trouble_notice(const Json& before, const Json& status) {
  const Json old = find_condition(before, "Degraded");
  const Json now = find_condition(status, "Degraded");
  const bool was = string_at(old, {"status"}) == "True";
  const std::string reason = string_at(now, {"reason"});
  if (string_at(now, {"status"}) != "True") {
    return was ? std::optional(Notice{"Recovered", "no longer " + string_at(old, {"reason"})})
               : std::nullopt;
  }
  if (was && string_at(old, {"reason"}) == reason) {
    return std::nullopt;
  }
  return Notice{reason, string_at(now, {"message"}), true};
}

Json make_invalid_status(const Json& old_status, std::int64_t generation, const Error& error,
                         WallTime wall) {
  Json status = old_status.is_object() ? old_status : Json::object();
  status["observedGeneration"] = generation;
  status["conditions"] = conditions(old_status,
                                    {{"Ready", false, "InvalidSpec", error.text()},
                                     {"Degraded", true, "InvalidSpec", error.text()}},
                                    generation, wall);
  return status;
}

StatusGate::Verdict StatusGate::judge(const Json& current, const Json& wanted, TimePoint now) {
  const auto plain = [](Json s) {
    if (auto it = s.find("slots"); s.is_object() && it != s.end() && it->is_object()) {
      it->erase("observedTime");
    }
    return s;
  };
  if (current.is_object() && plain(current) == plain(wanted)) {
    return Verdict::kNothing;
  }
  if (without_session_numbers(current) != without_session_numbers(wanted)) {
    return Verdict::kWrite;
  }
  return !last_write_ || now >= write_at() ? Verdict::kWrite : Verdict::kLater;
}

TimePoint StatusGate::write_at() const {
  return last_write_.value_or(TimePoint{}) + kCountsEvery;
}

}  // namespace berth::op
