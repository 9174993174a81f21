#include "cli/pool/pool_commands.h"

#include <iostream>

#include "berth/api/session_pool.h"
#include "berth/base/clock.h"
#include "berth/base/duration.h"
#include "berth/kube/object.h"
#include "cli/pool/pool_view.h"
#include "cli/settings/kube_session.h"
#include "cli/text/table.h"

namespace berth::cli {
namespace {

std::string number(const Json& object, std::initializer_list<std::string_view> path) {
  const Json* v = find_path(object, path);
  return v != nullptr && v->is_number() ? v->dump() : "-";
}

std::string age_of(const Json& object) {
  const Result<WallTime> created =
      parse_rfc3339(string_at(object, {"metadata", "creationTimestamp"}));
  return created ? short_age(to_seconds(SystemClock().wall_now() - *created)) : "-";
}

std::vector<std::string> row(const Json& pool, bool wide) {
  std::vector<std::string> out = {kube::name_of(pool),
                                  number(pool, {"status", "workers", "current"}),
                                  number(pool, {"status", "workers", "ready"}),
                                  number(pool, {"status", "slots", "capacity"}),
                                  number(pool, {"status", "slots", "used"}),
                                  number(pool, {"status", "waiting"}),
                                  pool_state(pool),
                                  age_of(pool)};
  if (wide) {
    const std::string limit = string_at(pool, {"status", "scaling", "limit"});
    const std::string image = string_at(pool, {"spec", "worker", "image"});
    out.insert(out.end(),
               {number(pool, {"status", "workers", "desired"}),
                number(pool, {"status", "workers", "draining"}),
                limit.empty() || limit == "None" ? "-" : limit, image.empty() ? "-" : image});
  }
  return out;
}

Result<Json> get_pool(KubeSession& session, const std::string& name) {
  return session.get(kube::kSessionPools, name);
}

void print_workers(KubeSession& session, const std::string& pool) {
  const Result<Json> pods = session.list(kube::kPods, std::string(api::kPoolLabel) + "=" + pool);
  if (!pods) {
    std::cout << "Workers:    unknown: " << printable(pods.error().text()) << "\n";
    return;
  }
  const Json* items = find(*pods, "items");
  if (items == nullptr || !items->is_array() || items->empty()) {
    std::cout << "Workers:    none\n";
    return;
  }
  Table table({"  WORKER", "PHASE", "READY", "REVISION", "IP", "AGE"});
  for (const Json& pod : *items) {
    table.add({"  " + kube::name_of(pod),
               kube::is_deleting(pod) ? "Terminating" : string_at(pod, {"status", "phase"}),
               kube::condition_status(pod, "Ready"), kube::label_of(pod, api::kRevisionLabel),
               string_at(pod, {"status", "podIP"}), age_of(pod)});
  }
  std::cout << "Workers:\n";
  print(table);
}

}  // namespace

int pool_list(const Flags& flags, Output output) {
  Result<std::unique_ptr<KubeSession>> session = KubeSession::open(flags);
  if (!session) {
    return report(session.error());
  }
  const Result<Json> pools = (*session)->list(kube::kSessionPools, "");
  if (!pools) {
    return report(pools.error());
  }
  const Json* list = find(*pools, "items");
  const Json items = list != nullptr && list->is_array() ? *list : Json::array();
  if (output == Output::kName) {
    std::vector<std::string> names;
    for (const Json& pool : items) {
      names.push_back(kube::name_of(pool));
    }
    std::cout << lines(names);
  } else if (output == Output::kTable || output == Output::kWide) {
    const bool wide = output == Output::kWide;
    std::vector<std::string> header = {"NAME", "WORKERS", "READY",  "SLOTS",
                                       "USED", "WAITING", "STATUS", "AGE"};
    if (wide) {
      header.insert(header.end(), {"WANTED", "DRAINING", "LIMIT", "IMAGE"});
    }
    Table table(header);
    for (const Json& pool : items) {
      table.add(row(pool, wide));
    }
    print(table);
  } else {
    std::cout << data_text(output, *pools);
  }
  return 0;
}

int pool_describe(const Flags& flags, const std::string& name, Output output) {
  Result<std::unique_ptr<KubeSession>> session = KubeSession::open(flags);
  if (!session) {
    return report(session.error());
  }
  const Result<Json> pool = get_pool(**session, name);
  if (!pool) {
    return report(pool.error());
  }
  if (output != Output::kTable) {
    std::cout << data_text(output, *pool);
    return 0;
  }
  const Json empty = Json::object();
  const Json* status = find(*pool, "status");
  const Json& s = status == nullptr ? empty : *status;
  std::cout << "Name:       " << printable(kube::key_of(*pool)) << "\n"
            << "Status:     " << printable(pool_state(*pool)) << "\n"
            << "Workers:    " << number(s, {"workers", "desired"}) << " desired, "
            << number(s, {"workers", "current"}) << " current, " << number(s, {"workers", "ready"})
            << " ready, " << number(s, {"workers", "draining"}) << " draining\n"
            << "Slots:      " << number(s, {"slots", "used"}) << " used, "
            << number(s, {"slots", "free"}) << " free of " << number(s, {"slots", "capacity"})
            << "\n"
            << "Waiting:    " << number(s, {"waiting"}) << "\n";
  if (const Json* last = find(s, "lastScale")) {
    std::cout << "Last scale: " << printable(string_at(*last, {"time"})) << ", from "
              << number(*last, {"from"}) << " to " << number(*last, {"to"}) << ": "
              << printable(string_at(*last, {"reason"})) << "\n";
  }
  Table conditions({"  CONDITION", "STATUS", "REASON", "MESSAGE"});
  for (const char* type : {"Ready", "Progressing", "ScalingLimited", "Degraded"}) {
    if (const Json* c = pool_condition(*pool, type)) {
      conditions.add({std::string("  ") + type, string_at(*c, {"status"}),
                      string_at(*c, {"reason"}), string_at(*c, {"message"})});
    }
  }
  std::cout << "Conditions:\n";
  print(conditions);
  print_workers(**session, name);
  return 0;
}

int pool_scale(const Flags& flags, const std::string& name, std::optional<std::int64_t> count) {
  Result<std::unique_ptr<KubeSession>> session = KubeSession::open(flags);
  if (!session) {
    return report(session.error());
  }
  const Json patch = {{"spec", {{"workers", count ? Json(*count) : Json(nullptr)}}}};
  const Result<Json> done = (*session)->merge_patch(kube::kSessionPools, name, patch);
  if (!done) {
    return report(done.error());
  }
  std::cout << "sessionpool/" << name
            << (count ? " fixed at " + std::to_string(*count) + " workers"
                      : " scales by itself again")
            << "\n";
  return 0;
}

}  // namespace berth::cli
