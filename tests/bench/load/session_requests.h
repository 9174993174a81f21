#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace berth::bench {

/// Where sessions are opened, and with whose credentials.
struct Target {
  std::string host;
  std::uint16_t port = 0;
  /// "/v1/sessions" of a worker, "/v1/namespaces/N/pools/P/sessions" of a gateway.
  std::string path;
  std::string token;
  /// The complete goes through the gateway too, to the worker that the answer names.
  bool through_gateway = false;
};

/// The requests of a session's life, as text. Both have the same length for each session, so that
/// the yardstick reads the same bytes.
std::string create_request(const Target& target, const std::string& id);
/// `answer`: the body of the create's answer.
std::string complete_request(const Target& target, const std::string& id, std::string_view answer);
/// GET for anything else.
std::string get_request(const Target& target, const std::string& path);

/// The text of the first member `key` after `from`, read without a parser: for answers of our own
/// making that were checked once.
std::string_view text_member(std::string_view json, std::string_view key, std::size_t from = 0);

}  // namespace berth::bench
