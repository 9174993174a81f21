#pragma once

#include <memory>
#include <optional>
#include <string>

#include "berth/base/event_loop.h"
#include "lib/http/src/stream.h"

namespace berth::http {

/// Writes one message after another to a stream: a head with a body in memory, or a head with a
/// source that is pulled as fast as the peer reads. Used for answers by the server and for requests
/// by the client.
///
/// The first byte goes out at the end of the loop's round, behind everything that was ready to be
/// read: what many connections have to say goes out together, and a peer at the other end of them
/// is woken once instead of once for each.
class MessageWriter {
 public:
  enum class End {
    kSent,
    kSourceFailed,  ///< The source failed or did not keep to its length: see error(). The message
                    ///< is broken.
    kPeerLost       ///< The connection does not take bytes any more.
  };

  class Owner {
   public:
    /// Keeps the writer and its stream alive while something is under way.
    virtual std::shared_ptr<void> keep() = 0;
    /// Once per message; never inside send().
    virtual void on_written(End end) = 0;

   protected:
    ~Owner() = default;
  };

  MessageWriter(AsioLoop& loop, Owner& owner) : loop_(loop), owner_(owner) {}

  void send(Stream& stream, std::string_view head, std::string body);
  void send(Stream& stream, std::string_view head, std::shared_ptr<BodySource> source,
            bool chunked);
  /// Writes the same bytes to another stream. Not for a message with a source.
  void repeat(Stream& stream);
  /// The stream is about to be closed: of a message in memory that waits for the end of the round
  /// goes out now what the peer takes.
  void hurry();
  /// Forgets the message without on_written().
  void stop();

  bool busy() const { return busy_; }
  /// Not one byte of the message has gone. Not for a message with a source.
  bool untouched() const { return out_.untouched(); }
  bool streaming() const { return source_ != nullptr; }
  /// Since when the peer has not taken a byte; TimePoint::max() when it is not waited for.
  TimePoint blocked_since() const { return blocked_since_; }
  /// After kSourceFailed.
  const Error& error() const { return *error_; }

 private:
  void start(Stream& stream);
  void go_soon();
  void go();
  std::optional<End> step(int& chunks);
  void ask();
  void on_chunk(Result<std::string> chunk);
  void wait();

  AsioLoop& loop_;
  Owner& owner_;
  Stream* stream_ = nullptr;
  Outgoing out_;
  std::shared_ptr<BodySource> source_;
  std::optional<std::uint64_t> left_;  ///< Of the source's announced length.
  bool chunked_ = false;
  bool busy_ = false;
  bool going_ = false;
  bool asked_ = false;
  bool armed_ = false;
  bool source_failed_ = false;
  std::uint64_t message_ = 0;  ///< So that a late chunk of a stopped message is recognised.
  TimePoint blocked_since_ = TimePoint::max();
  std::unique_ptr<Error> error_;
};

}  // namespace berth::http
