#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "worker/files/file_store.h"
#include "worker/files/transfer.h"

namespace berth::worker {

/// One PUT: a file in the store's own folder of uploads, then renamed to its place. Owned by the
/// store; ends by calling back once, or by being destroyed.
class FileStore::Upload {
 public:
  using DoneFn = std::function<void(Result<Written>)>;

  Upload(FileStore& store, std::uint64_t number, api::SessionId id,
         std::shared_ptr<UniqueFd> session, std::vector<std::string> parts, DoneFn done);
  ~Upload();
  Upload(const Upload&) = delete;
  Upload& operator=(const Upload&) = delete;

  void start(std::shared_ptr<http::BodySource> body);
  /// Ends it with this error, told from the loop. Destroys it.
  void abort(Error error);
  const api::SessionId& session() const { return id_; }
  std::uint64_t number() const { return number_; }

 private:
  Status admit(std::size_t chunk_bytes);
  void receive(std::shared_ptr<http::BodySource> body, UniqueFd file);
  void put_in_place();
  void finish(Result<Written> result);

  FileStore& store_;
  std::uint64_t number_;
  api::SessionId id_;
  std::shared_ptr<UniqueFd> session_;
  std::vector<std::string> parts_;
  std::string temporary_;
  DoneFn done_;
  bool on_disk_ = false;
  std::int64_t bytes_ = 0;
  std::optional<FileSink> sink_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace berth::worker
