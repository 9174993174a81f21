#include "berth/http/message.h"

namespace berth::http {

namespace {

constexpr std::size_t kChunk = 64u << 10;

class StringSource final : public BodySource {
 public:
  explicit StringSource(std::string bytes) : bytes_(std::move(bytes)) {}

  void next(ChunkFn fn) override {
    if (at_ == 0 && bytes_.size() <= kChunk) {
      at_ = bytes_.size();
      fn(std::exchange(bytes_, {}));
      return;
    }
    std::string chunk = bytes_.substr(std::min(at_, bytes_.size()), kChunk);
    at_ += chunk.size();
    fn(std::move(chunk));
  }
  std::optional<std::uint64_t> length() const override { return length_; }

 private:
  std::string bytes_;
  std::uint64_t length_ = bytes_.size();
  std::size_t at_ = 0;
};

// Keeps itself alive through the callback that its source holds.
struct Reader : std::enable_shared_from_this<Reader> {
  std::shared_ptr<BodySource> source;
  std::uint64_t limit = 0;
  std::function<void(Result<std::string>)> done;
  std::string bytes;
  bool pulling = false;
  bool answered = false;

  // A loop, not a recursion: sources in memory call back inside next().
  void pull() {
    if (pulling) {
      return;
    }
    pulling = true;
    do {
      answered = false;
      source->next(
          [self = shared_from_this()](Result<std::string> chunk) { self->take(std::move(chunk)); });
    } while (answered && source);
    pulling = false;
  }

  void take(Result<std::string> chunk) {
    answered = true;
    if (!chunk) {
      finish(fail(chunk.error()));
    } else if (chunk->empty()) {
      finish(std::move(bytes));
    } else if (chunk->size() > limit - bytes.size()) {
      finish(fail(Error::make(ErrorCode::kResourceExhausted, "TooLarge",
                              "the body is larger than " + std::to_string(limit) + " bytes")));
    } else {
      bytes += *chunk;
      pull();
    }
  }

  void finish(Result<std::string> result) {
    const auto self = shared_from_this();
    const auto keep = std::move(source);
    source = nullptr;
    std::exchange(done, nullptr)(std::move(result));
  }
};

}  // namespace

std::shared_ptr<BodySource> string_source(std::string bytes) {
  return std::make_shared<StringSource>(std::move(bytes));
}

void read_all(std::shared_ptr<BodySource> source, std::uint64_t limit,
              std::function<void(Result<std::string>)> done) {
  auto reader = std::make_shared<Reader>();
  reader->source = std::move(source);
  reader->limit = limit;
  reader->done = std::move(done);
  reader->pull();
}

}  // namespace berth::http
