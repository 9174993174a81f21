#pragma once

#include <list>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "berth/http/transport.h"
#include "lib/http/src/stream.h"

namespace berth::http {

class ClientCall;

/// What the calls of one transport share: kept-alive connections, the last used one first, and the
/// list of calls.
class ClientPool {
 public:
  ClientPool(AsioLoop& loop, BeastTransportSettings settings);
  ~ClientPool();

  AsioLoop& loop() { return loop_; }
  const BeastTransportSettings& settings() const { return settings_; }
  /// Where every read lands.
  std::vector<char>& scratch() { return scratch_; }

  /// Who may vouch for servers; read from the system with the first call that needs it.
  Result<std::shared_ptr<const TrustedRoots>> roots();

  /// A connection that is still open as far as the kernel knows, or null.
  std::unique_ptr<Stream> take(const std::string& key);
  void give(const std::string& key, std::unique_ptr<Stream> stream);

  void add(std::shared_ptr<ClientCall> call);
  void remove(ClientCall& call);

 private:
  struct Idle {
    std::unique_ptr<Stream> stream;
    TimePoint since;
  };

  void sweep_later();
  void sweep();

  AsioLoop& loop_;
  const BeastTransportSettings settings_;
  std::vector<char> scratch_;
  std::unordered_map<std::string, std::vector<Idle>> idle_;
  std::unordered_map<ClientCall*, std::shared_ptr<ClientCall>> calls_;
  Cancel sweep_;
  std::shared_ptr<const TrustedRoots> roots_;
};

}  // namespace berth::http
