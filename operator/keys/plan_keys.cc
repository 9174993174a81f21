#include "operator/keys/plan_keys.h"

#include <algorithm>

namespace berth::op {
namespace {

using Step = KeyAction::Kind;

constexpr auto kLookAgain = std::chrono::seconds(10);

class Planner {
 public:
  Planner(const ObservedKeys& observed, WallTime now) : o_(observed), now_(now) {}

  KeysPlan run() {
    plan_.jwks = jwks();
    publish();
    for (const KeyKind kind : kKeyKinds) {
      plan_.status[kind] = one(kind);
    }
    return std::move(plan_);
  }

 private:
  // Only when every key is there: workers with half of them would refuse half of the calls, and a
  // broken Secret must not take a good key away.
  std::string jwks() const {
    std::string list;
    const auto add = [&list](const PublicKey& key) { list += (list.empty() ? "" : ",") + key.jwk; };
    for (const KeyKind kind : kKeyKinds) {
      const auto it = o_.secrets.find(kind);
      if (it == o_.secrets.end() || it->second.broken) {
        return "";
      }
      add(it->second.current);
      if (it->second.next) {
        add(*it->second.next);
      }
      if (it->second.previous) {
        add(*it->second.previous);
      }
    }
    return "{\"keys\":[" + list + "]}";
  }

  void publish() {
    std::set<std::string> wanted = o_.namespaces;
    wanted.insert(o_.own_namespace);
    for (const auto& [ns, map] : o_.maps) {
      if (map.ours) {
        wanted.insert(ns);  // Pods may outlive their pool.
      }
    }
    for (const std::string& ns : wanted) {
      const auto it = o_.maps.find(ns);
      if (it != o_.maps.end() && !it->second.ours) {
        plan_.foreign.insert(ns);
      } else if (plan_.jwks.empty()) {
        continue;
      } else if (it != o_.maps.end() && it->second.jwks == plan_.jwks) {
        plan_.published.insert(ns);
      } else {
        unpublished_.insert(ns);
        act(Step::kPublish, KeyKind::kOperator, ns);
      }
    }
  }

  KeyStatus one(KeyKind kind) {
    KeyStatus s;
    const auto it = o_.secrets.find(kind);
    if (it == o_.secrets.end()) {
      act(Step::kMakeSecret, kind);
      return s;
    }
    const KeySecret& secret = it->second;
    if (secret.broken) {
      s.phase = KeyPhase::kBroken;
      wait_for(s, secret_name(kind) + ": " + secret.broken->text());
      return s;
    }
    s.current = secret.current.id;
    s.next = secret.next ? secret.next->id : "";
    s.previous = secret.previous ? secret.previous->id : "";
    if (secret.previous) {
      retire(kind, secret, s);
    } else if (secret.next) {
      distribute(kind, secret, s);
    } else {
      s.phase = KeyPhase::kSteady;
      if (!secret.requested.empty() && secret.requested != secret.begun) {
        act(Step::kMakeNext, kind);
      }
    }
    return s;
  }

  void distribute(KeyKind kind, const KeySecret& secret, KeyStatus& s) {
    s.phase = KeyPhase::kDistributing;
    const WallTime since = secret.next_since.value_or(now_);
    for (const std::string& ns : unpublished_) {
      wait_for(s, "ConfigMap " + ns + "/berth-keys: not written yet");
    }
    for (const std::string& ns : o_.unread) {
      wait_for(s, (ns.empty() ? "the cluster" : "namespace " + ns) + ": cannot be read");
      wake(now_ + kLookAgain);
    }
    if (kind == KeyKind::kOperator && !o_.gateways_known) {
      wait_for(s, "gateways: cannot be discovered");
    }
    for (const KeyHolder& h : o_.holders) {
      if (kind == KeyKind::kOperator || h.kind == KeyHolder::Kind::kWorker) {
        hold(h, secret.next->id, since, s);
      }
    }
    if (s.waiting == 0) {
      act(Step::kSwitch, kind);
    }
  }

  void hold(const KeyHolder& h, const std::string& id, WallTime since, KeyStatus& s) {
    const bool worker = h.kind == KeyHolder::Kind::kWorker;
    const std::string who = (worker ? "worker " : "gateway ") + h.name + ": ";
    if (worker && !h.started) {
      if (now_ < since + kUnstartedPatience) {
        wait_for(s, who + "has not started yet");
        wake(since + kUnstartedPatience);
      }
    } else if (!h.readable) {
      wait_for(s, who + "cannot be read");
    } else if (!h.keys && !worker) {
      wait_for(s, who + "is too old to report its keys");
    } else if (!h.keys) {
      if (now_ < since + kSilentHolderPatience) {
        wait_for(s, who + "is too old to report its keys; counts ten minutes after the start");
        wake(since + kSilentHolderPatience);
      }
    } else if (!h.keys->contains(id)) {
      wait_for(s, who + "has not read the new key yet");
    }
  }

  void retire(KeyKind kind, const KeySecret& secret, KeyStatus& s) {
    s.phase = KeyPhase::kRetiring;
    // Written together with `previous`: without it somebody has interfered, and time is not known.
    const WallTime until = secret.switched_at ? *secret.switched_at + kKeepPreviousKey : WallTime{};
    s.until = until;
    for (const KeyHolder& h : o_.holders) {
      if (kind != KeyKind::kGateway || h.kind != KeyHolder::Kind::kGateway) {
        continue;
      }
      if (!h.readable || !h.keys) {
        wait_for(s, "gateway " + h.name +
                        (h.readable ? ": is too old to report its keys" : ": cannot be read"));
      } else if (h.signing != secret.current.id) {
        wait_for(s, "gateway " + h.name + ": does not sign with the new key yet");
      }
    }
    if (kind == KeyKind::kGateway && !o_.gateways_known) {
      wait_for(s, "gateways: cannot be discovered");
    }
    if (now_ < until) {
      wake(until);
    } else if (s.waiting == 0) {
      act(Step::kDropPrevious, kind);
    }
  }

  void act(Step kind, KeyKind key, std::string ns = "") {
    plan_.actions.push_back({kind, key, std::move(ns)});
  }
  static void wait_for(KeyStatus& s, std::string what) {
    if (++s.waiting <= kMostNamed) {
      s.waiting_for.push_back(std::move(what));
    }
  }
  void wake(WallTime at) { plan_.wake_at = sooner<WallTime>(plan_.wake_at, at); }

  const ObservedKeys& o_;
  const WallTime now_;
  KeysPlan plan_;
  std::set<std::string> unpublished_;
};

}  // namespace

std::string_view to_string(KeyPhase phase) {
  switch (phase) {
    case KeyPhase::kMissing:
      return "Missing";
    case KeyPhase::kBroken:
      return "Broken";
    case KeyPhase::kSteady:
      return "Steady";
    case KeyPhase::kDistributing:
      return "Distributing";
    case KeyPhase::kRetiring:
      break;
  }
  return "Retiring";
}

KeysPlan plan_keys(const ObservedKeys& observed, WallTime now) {
  return Planner(observed, now).run();
}

Json status_json(const KeysPlan& plan) {
  Json out = Json::object();
  for (const auto& [kind, s] : plan.status) {
    Json one = {{"phase", to_string(s.phase)},
                {"key", s.current},
                {"waiting", s.waiting},
                {"waitingFor", s.waiting_for}};
    if (!s.next.empty()) {
      one["next"] = s.next;
    }
    if (!s.previous.empty()) {
      one["previous"] = s.previous;
    }
    if (s.until) {
      one["until"] = format_rfc3339(*s.until);
    }
    out[std::string(to_string(kind))] = std::move(one);
  }
  return out;
}

}  // namespace berth::op
