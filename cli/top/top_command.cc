#include "cli/top/top_command.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <iostream>

#include "berth/base/duration.h"
#include "berth/base/event_loop.h"
#include "berth/http/message.h"
#include "cli/text/table.h"

namespace berth::cli {
namespace {

std::string at(const Json& object, std::initializer_list<std::string_view> path) {
  const Json* v = find_path(object, path);
  return v != nullptr && v->is_number() ? v->dump() : "-";
}

// "###." for three of four slots used: as wide as the slots, at most 40.
std::string bar(const Json& worker) {
  const Json* capacity = find_path(worker, {"capacity", "session"});
  const Json* used = find_path(worker, {"used", "session"});
  if (capacity == nullptr || used == nullptr || !capacity->is_number_integer() ||
      !used->is_number_integer()) {
    return "";
  }
  const std::int64_t total = std::max<std::int64_t>(0, capacity->get<std::int64_t>());
  const std::int64_t full = std::clamp<std::int64_t>(used->get<std::int64_t>(), 0, total);
  const std::int64_t width = std::min<std::int64_t>(total, 40);
  const std::int64_t marks = total == 0 ? 0 : full * width / total;
  return std::string(static_cast<std::size_t>(marks), '#') +
         std::string(static_cast<std::size_t>(width - marks), '.');
}

}  // namespace

std::string top_text(const Json& answer, bool wide, bool coloured) {
  Table pools({"POOL", "WORKERS", "SLOTS", "USED", "FREE", "WAITING"});
  std::vector<std::string> header = {"WORKER", "STATE", "USED", "SLOTS", "ACTIVITIES"};
  if (wide) {
    header.insert(header.begin(), "POOL");
    header.insert(header.end(), {"SESSIONS", "READY"});
  }
  header.emplace_back("");
  Table workers(header);
  const Json* list = find(answer, "pools");
  if (list == nullptr || !list->is_array()) {
    return pools.text();
  }
  for (const Json& pool : *list) {
    const std::string name = string_at(pool, {"namespace"}) + "/" + string_at(pool, {"name"});
    const Json* members = find(pool, "members");
    const bool has = members != nullptr && members->is_array();
    pools.add({name, std::to_string(has ? members->size() : 0), at(pool, {"slots", "capacity"}),
               at(pool, {"slots", "used"}), at(pool, {"slots", "free"}), at(pool, {"waiting"})});
    for (const Json& w : has ? *members : Json::array()) {
      std::vector<std::string> row = {string_at(w, {"name"}), string_at(w, {"state"}),
                                      at(w, {"used", "session"}), at(w, {"capacity", "session"}),
                                      at(w, {"activities"})};
      if (wide) {
        row.insert(row.begin(), name);
        row.push_back(at(w, {"sessions"}));
        row.emplace_back(get_bool(w, "ready").value_or(false) ? "True" : "False");
      }
      row.push_back(bar(w));
      workers.add(std::move(row));
    }
  }
  return pools.text(coloured) + "\n" + workers.text(coloured);
}

std::string first_lines(const std::string& text, std::size_t most) {
  const auto all = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  if (all <= most || most == 0) {
    return text;
  }
  std::size_t end = 0;
  for (std::size_t line = 0; line + 1 < most; ++line) {
    end = text.find('\n', end) + 1;
  }
  return text.substr(0, end) + "... " + std::to_string(all - most + 1) +
         " more lines; a taller window or --once shows them\n";
}

namespace {

client::Outcome<Json> ask(const client::Client& client, const std::string& ns,
                          const TopFlags& flags) {
  client::Outcome<Json> answer =
      client
          .get("/v1/pools?members=true" +
               (flags.all_namespaces ? "" : "&namespace=" + http::percent_encode(ns)))
          .get();
  Json* pools = answer && answer->contains("pools") ? &answer->at("pools") : nullptr;
  if (flags.pool.empty() || pools == nullptr) {
    return answer;
  }
  std::erase_if(pools->get_ref<Json::array_t&>(),
                [&](const Json& pool) { return string_at(pool, {"name"}) != flags.pool; });
  if (pools->empty()) {
    return tl::unexpected(client::ClientError{
        client::ErrorKind::kPoolNotFound,
        Error::make(ErrorCode::kNotFound, "UnknownPool",
                    "there is no pool " + ns + "/" + flags.pool + "; see `berth pool list`"),
        std::nullopt, std::nullopt});
  }
  return answer;
}

std::string shown(const Json& answer, Output output) {
  if (output == Output::kTable || output == Output::kWide) {
    return top_text(answer, output == Output::kWide, wants_colours(STDOUT_FILENO));
  }
  return data_text(output, answer);
}

// The screen anew, one line a line: what is too wide is cut by the terminal, what is too long here,
// so that the top stays in sight. The last line of the screen is the cursor's.
std::string screen(const std::string& text) {
  winsize size{};
  const bool known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 1;
  return "\x1b[?7l\x1b[H\x1b[2J" + first_lines(text, known ? size.ws_row - 1U : 0) + "\x1b[?7h";
}

}  // namespace

int top(const Flags& flags, const TopFlags& top) {
  const Result<Connection> connection = connect(flags);
  if (!connection) {
    return report(connection.error());
  }
  client::Client client(client_options(*connection, ""));
  const bool tables = top.output == Output::kTable || top.output == Output::kWide;
  const bool redraw = !top.once && tables && ::isatty(STDOUT_FILENO) != 0;
  AsioLoop loop;
  int status = 0;
  const Cancel signals = loop.on_signals({SIGINT, SIGTERM}, [&](int) { loop.stop(); });
  Cancel timer;
  std::function<void()> show = [&] {
    const auto answer = ask(client, connection->ns(), top);
    if (!answer) {
      status = report(answer.error());
      loop.stop();
      return;
    }
    const std::string text = shown(*answer, top.output);
    std::cout << (redraw ? screen(text) : text) << std::flush;
    if (!redraw) {
      loop.stop();
      return;
    }
    timer = loop.call_after(from_seconds(top.interval_seconds), show);
  };
  timer = loop.call_after(Duration(0), show);
  loop.run();
  return status;
}

}  // namespace berth::cli
