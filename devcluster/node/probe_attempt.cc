#include "devcluster/node/probe_attempt.h"

#include <boost/asio/ip/tcp.hpp>

namespace berth::devcluster {

namespace {

using boost::asio::ip::tcp;

Result<std::uint16_t> port_of(const Json& action, const Json& container) {
  const Json* port = find(action, "port");
  std::optional<std::int64_t> number;
  if (port != nullptr && port->is_number_integer()) {
    number = port->get<std::int64_t>();
  } else if (port != nullptr && port->is_string()) {
    const Json* ports = find(container, "ports");
    for (std::size_t i = 0; ports != nullptr && ports->is_array() && i < ports->size(); ++i) {
      if (get_string((*ports)[i], "name") == port->get<std::string>()) {
        number = get_int((*ports)[i], "containerPort");
      }
    }
  }
  if (!number || *number < 1 || *number > 65535) {
    return fail(
        Error::invalid("readinessProbe.port",
                       "must be a port number or the name of one of the container's ports"));
  }
  return static_cast<std::uint16_t>(*number);
}

ProbeAttempt http_attempt(http::Transport& transport, const Json& action, const std::string& host,
                          std::uint16_t port) {
  http::Request request;
  request.method = "GET";
  request.target = get_string(action, "path").value_or("/");
  if (!request.target.starts_with('/')) {
    request.target.insert(0, "/");
  }
  const Json* headers = find(action, "httpHeaders");
  for (std::size_t i = 0; headers != nullptr && headers->is_array() && i < headers->size(); ++i) {
    request.headers.add(get_string((*headers)[i], "name").value_or("X-Unnamed"),
                        get_string((*headers)[i], "value").value_or(""));
  }
  const std::string origin = "http://" + host + ":" + std::to_string(port);
  return [&transport, request, origin](const std::function<void(bool)>& done) {
    http::CallOptions options;
    options.deadline = std::chrono::hours(24);  // The prober's own timeout aborts it.
    options.max_body = 64u << 10;
    return transport.send(origin, request, options, [done](const Result<http::Response>& response) {
      done(response && response->status >= 200 && response->status < 400);
    });
  };
}

ProbeAttempt tcp_attempt(AsioLoop& loop, const std::string& host, std::uint16_t port) {
  return [&loop, host, port](const std::function<void(bool)>& done) {
    auto socket = std::make_shared<tcp::socket>(loop.context());
    auto wanted = std::make_shared<bool>(true);
    const tcp::endpoint to(boost::asio::ip::make_address(host), port);
    socket->async_connect(to, [socket, wanted, done](const boost::system::error_code& ec) {
      if (*wanted) {
        done(!ec);
      }
    });
    return Cancel([socket, wanted] {
      *wanted = false;
      boost::system::error_code ignored;
      socket->close(ignored);
    });
  };
}

ProbeAttempt exec_attempt(AsioLoop& loop, const Json& action, ExecFn exec) {
  std::vector<std::string> argv;
  if (const Json* command = find(action, "command"); command != nullptr && command->is_array()) {
    for (const Json& word : *command) {
      argv.push_back(word.is_string() ? word.get<std::string>() : word.dump());
    }
  }
  return [&loop, argv, exec = std::move(exec)](const std::function<void(bool)>& done) {
    auto child = std::make_shared<std::unique_ptr<ChildProcess>>();
    auto started = exec(argv, {.output = [](std::string_view) {},
                               .exited = [done](ExitStatus s) { done(s.exit_code == 0); }});
    if (!started) {
      return loop.call_after(Duration(0), [done] { done(false); });
    }
    *child = std::move(*started);
    return Cancel([child] { child->reset(); });
  };
}

}  // namespace

Result<ProbeAttempt> make_probe_attempt(AsioLoop& loop, http::Transport& transport,
                                        const Json& probe, const Json& container,
                                        const std::string& pod_ip, ExecFn exec) {
  for (const char* kind : {"httpGet", "tcpSocket"}) {
    const Json* action = find(probe, kind);
    if (action == nullptr) {
      continue;
    }
    BERTH_ASSIGN(const std::uint16_t port, port_of(*action, container));
    const std::string host = get_string(*action, "host").value_or(pod_ip);
    boost::system::error_code ec;
    boost::asio::ip::make_address(host, ec);
    if (ec) {
      return fail(Error::invalid(std::string("readinessProbe.") + kind + ".host",
                                 "must be an IP address: " + host));
    }
    return std::string_view(kind) == "httpGet" ? http_attempt(transport, *action, host, port)
                                               : tcp_attempt(loop, host, port);
  }
  if (const Json* action = find(probe, "exec")) {
    return exec_attempt(loop, *action, std::move(exec));
  }
  return fail(Error::invalid("readinessProbe", "needs httpGet, tcpSocket or exec"));
}

}  // namespace berth::devcluster
