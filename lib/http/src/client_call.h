#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "berth/http/transport.h"
#include "lib/http/src/client_pool.h"
#include "lib/http/src/parser.h"
#include "lib/http/src/writer.h"

namespace berth::http {

/// One request on its way, from a free or new connection to the end of the answer. With a streamed
/// answer it lives on behind the answer's body.
class ClientCall final : public std::enable_shared_from_this<ClientCall>,
                         private MessageWriter::Owner {
 public:
  ClientCall(ClientPool& pool, Url url, Request request, const CallOptions& options,
             Transport::DoneFn done);
  ~ClientCall();

  void start();
  /// The caller does not want an answer any more. Nothing once it has one.
  void cancel();
  /// The transport goes away.
  void orphan();

  // For the answer's body.
  void pull(BodySource::ChunkFn fn);
  void abandon();
  std::optional<std::uint64_t> body_length() const { return body_length_; }

 private:
  using Resolver = boost::asio::ip::basic_resolver<Tcp, Executor>;

  // client_call.cc: connecting, sending, ending.
  std::shared_ptr<void> keep() override { return shared_from_this(); }
  void on_written(MessageWriter::End end) override;
  void connect();
  void resolve();
  void try_next_endpoint(std::string why);
  void on_connected();
  void shake_hands();
  void begin_exchange();
  std::string build_head() const;
  /// A connection is good for one origin and the name it proved.
  std::string pool_key() const;
  bool may_retry() const;
  void lost(const std::string& why);
  void fail_with(ErrorCode code, std::string reason, std::string message);
  void finish(Result<Response> result);
  void release(bool reusable);

  // client_answer.cc: receiving.
  void arm_read();
  void on_readable();
  void on_bytes(std::string_view bytes);
  void on_end();
  std::string_view read_head(std::string_view bytes);
  void on_head();
  std::string_view read_body(std::string_view bytes);
  std::string_view read_chunk(std::string_view bytes);
  bool reusable(std::string_view rest) const;
  void next_step();
  void deliver_soon();
  void deliver();
  void give(Result<std::string> chunk);
  void fail_stream(Error error);
  void watch_silence();

  ClientPool* pool_;  ///< Null when over.
  AsioLoop& loop_;
  const Url url_;
  const std::string origin_;
  Request request_;
  const CallOptions options_;
  Transport::DoneFn done_;
  Cancel timer_;  ///< The deadline; then, for a streamed body, the silence.

  // The connection.
  std::unique_ptr<Stream> stream_;
  std::unique_ptr<Resolver> resolver_;
  std::vector<Tcp::endpoint> endpoints_;
  std::size_t next_endpoint_ = 0;
  bool reused_ = false;

  // Sending.
  const bool no_body_;
  const bool has_source_;
  bool repeating_ = false;  ///< On a new connection, after a kept-alive one turned out dead.
  MessageWriter writer_;
  bool sent_ = false;

  // Receiving.
  std::optional<MessageParser> parser_;  ///< From the first byte: many calls wait long for it.
  std::string pending_;
  bool read_armed_ = false;
  bool got_bytes_ = false;
  Response response_;

  // A streamed body.
  bool streaming_ = false;
  std::optional<std::uint64_t> body_length_;
  BodySource::ChunkFn chunk_fn_;
  std::unique_ptr<Error> stream_error_;
  bool starved_ = false;  ///< What is in pending_ is not enough for a chunk.
  bool receiving_ =
      false;  ///< Bytes are being handed out; what is left of them is not in pending_ yet.
  bool deliver_posted_ = false;
};

}  // namespace berth::http
