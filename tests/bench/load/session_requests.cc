#include "tests/bench/load/session_requests.h"

namespace berth::bench {
namespace {

std::string head(const char* method, const std::string& path, const Target& target,
                 std::string_view token) {
  std::string out;
  out.reserve(512);
  out.append(method).append(" ").append(path).append(" HTTP/1.1\r\nHost: ").append(target.host);
  out.append(":").append(std::to_string(target.port)).append("\r\nAuthorization: Bearer ");
  return out.append(token).append("\r\n");
}

}  // namespace

std::string create_request(const Target& target, const std::string& id) {
  const std::string body = R"({"id":")" + id + "\"}";
  return head("POST", target.path, target, target.token) +
         "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

std::string complete_request(const Target& target, const std::string& id, std::string_view answer) {
  std::string path = target.path;
  if (target.through_gateway) {
    path.resize(path.rfind('/'));
    path.append("/workers/").append(text_member(answer, "name", answer.find(R"("worker":)")));
    path.append("/sessions");
  }
  path.append("/").append(id);
  return head("DELETE", path, target, text_member(answer, "token")) + "\r\n";
}

std::string get_request(const Target& target, const std::string& path) {
  return head("GET", path, target, target.token) + "\r\n";
}

std::string_view text_member(std::string_view json, std::string_view key, std::size_t from) {
  const std::string wanted = "\"" + std::string(key) + "\":\"";
  const std::size_t at = json.find(wanted, from);
  if (at == std::string_view::npos) {
    return {};
  }
  const std::size_t begin = at + wanted.size();
  return json.substr(begin, json.find('"', begin) - begin);
}

}  // namespace berth::bench
