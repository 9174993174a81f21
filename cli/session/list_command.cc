#include "cli/session/list_command.h"

#include <algorithm>
#include <iostream>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "berth/base/duration.h"
#include "berth/http/message.h"
#include "cli/text/table.h"

namespace berth::cli {
namespace {

std::string age(const Json& session, std::string_view field) {
  const Json* seconds = find(session, field);
  return seconds != nullptr && seconds->is_number() ? short_age(seconds->get<double>()) : "-";
}

std::string bytes(const Json& session) {
  const Json* n = find(session, "diskBytes");
  return n != nullptr && n->is_number() ? short_bytes(n->get<double>()) : "-";
}

std::string resources(const Json& session) {
  std::string out;
  const Json* map = find(session, "resources");
  if (map != nullptr && map->is_object()) {
    for (const auto& [name, amount] : map->items()) {
      out += (out.empty() ? "" : ",") + name + "=" + amount.dump();
    }
  }
  return out.empty() ? "-" : out;
}

auto order_of(const Json& session) {
  return std::tuple(string_at(session, {"namespace"}), string_at(session, {"pool"}),
                    string_at(session, {"worker", "name"}), string_at(session, {"createdAt"}),
                    string_at(session, {"id"}));
}

// Namespace and name of the pools to look at.
client::Outcome<std::vector<std::pair<std::string, std::string>>> pools_of(
    const client::Client& client, const std::string& ns) {
  const auto answer =
      client.get("/v1/pools" + (ns.empty() ? "" : "?namespace=" + http::percent_encode(ns))).get();
  if (!answer) {
    return tl::unexpected(answer.error());
  }
  std::vector<std::pair<std::string, std::string>> out;
  const Json* pools = find(*answer, "pools");
  for (const Json& pool : pools != nullptr && pools->is_array() ? *pools : Json::array()) {
    out.emplace_back(string_at(pool, {"namespace"}), string_at(pool, {"name"}));
  }
  return out;
}

}  // namespace

Table sessions_table(const Json& sessions, bool many, bool wide) {
  std::set<std::string> namespaces;
  for (const Json& s : sessions) {
    namespaces.insert(string_at(s, {"namespace"}));
  }
  std::vector<std::string> header = {"SESSION"};
  if (many) {
    header.emplace_back("POOL");
  }
  header.insert(header.end(), {"STATE", "WORKER", "OWNER", "ACTIVITIES", "LEASE", "AGE"});
  if (wide) {
    header.insert(header.end(), {"TIME LEFT", "DISK", "RESOURCES", "ADDRESS"});
  }
  Table table(header);
  for (const Json& s : sessions) {
    std::vector<std::string> row = {string_at(s, {"id"})};
    if (many) {
      row.push_back((namespaces.size() > 1 ? string_at(s, {"namespace"}) + "/" : "") +
                    string_at(s, {"pool"}));
    }
    const std::string owner = string_at(s, {"owner"});
    row.insert(
        row.end(),
        {string_at(s, {"state"}), string_at(s, {"worker", "name"}), owner.empty() ? "-" : owner,
         find(s, "activitiesRunning") == nullptr ? "-" : find(s, "activitiesRunning")->dump(),
         age(s, "leaseSecondsRemaining"), age(s, "ageSeconds")});
    if (wide) {
      row.insert(row.end(), {age(s, "executionSecondsRemaining"), bytes(s), resources(s),
                             string_at(s, {"worker", "address"})});
    }
    table.add(std::move(row));
  }
  return table;
}

int sessions(const Flags& flags, const std::string& pool, bool all_namespaces, Output output) {
  const Result<Connection> connection = connect(flags);
  if (!connection) {
    return report(connection.error());
  }
  const client::Client client(client_options(*connection, pool));
  std::vector<std::pair<std::string, std::string>> pools = {{connection->ns(), pool}};
  if (pool.empty()) {
    auto all = pools_of(client, all_namespaces ? "" : connection->ns());
    if (!all) {
      return report(all.error());
    }
    pools = *std::move(all);
  }
  Json list = Json::array();
  int status = 0;
  for (const auto& [ns, name] : pools) {
    const auto answer = client
                            .get("/v1/namespaces/" + http::percent_encode(ns) + "/pools/" +
                                 http::percent_encode(name) + "/sessions")
                            .get();
    if (!answer) {
      status = report(answer.error());
      continue;
    }
    const Json* found = find(*answer, "sessions");
    for (Json s : found != nullptr && found->is_array() ? *found : Json::array()) {
      s["namespace"] = ns;
      s["pool"] = name;
      list.push_back(std::move(s));
    }
    const Json* silent = find(*answer, "unreadable");
    for (const Json& w : silent != nullptr && silent->is_array() ? *silent : Json::array()) {
      std::cerr << "berth: sessions of worker " << printable(string_at(w, {"worker"}))
                << " are not listed: " << printable(string_at(w, {"message"})) << "\n";
      status = 1;
    }
    if (get_bool(*answer, "truncated").value_or(false)) {
      std::cerr << "berth: pool " << printable(name) << " has more sessions than are listed\n";
    }
  }
  std::sort(list.begin(), list.end(),
            [](const Json& a, const Json& b) { return order_of(a) < order_of(b); });
  if (output == Output::kName) {
    std::vector<std::string> ids;
    for (const Json& s : list) {
      ids.push_back(string_at(s, {"id"}));
    }
    std::cout << lines(ids);
  } else if (output == Output::kTable || output == Output::kWide) {
    if (list.empty()) {
      if (status == 0) {
        std::cerr << "No sessions"
                  << (!pool.empty()    ? " in pool " + pool
                      : all_namespaces ? std::string()
                                       : " in namespace " + connection->ns())
                  << ".\n";
      }
      return status;
    }
    print(sessions_table(list, pool.empty(), output == Output::kWide));
  } else {
    std::cout << data_text(output, list);
  }
  return status;
}

}  // namespace berth::cli
