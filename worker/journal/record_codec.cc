#include "worker/journal/record_codec.h"

#include <array>
#include <type_traits>

namespace berth::worker {
namespace {

class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}
  void operator()(std::int64_t v) {
    auto u = static_cast<std::uint64_t>(v);
    std::array<char, 8> bytes;
    for (char& byte : bytes) {
      byte = static_cast<char>(u & 0xff);
      u >>= 8;
    }
    out_.append(bytes.data(), bytes.size());
  }
  void operator()(const std::string& s) {
    (*this)(static_cast<std::int64_t>(s.size()));
    out_ += s;
  }
  void operator()(bool v) { out_.push_back(v ? 1 : 0); }
  template <class Tag>
  void operator()(const Strong<Tag>& s) {
    (*this)(s.str());
  }
  void operator()(Duration d) { (*this)(static_cast<std::int64_t>(d.count())); }
  void operator()(TimePoint t) { (*this)(t.time_since_epoch()); }
  void operator()(WallTime t) { (*this)(Duration(t.time_since_epoch())); }
  void operator()(const api::Resources& r) {
    (*this)(static_cast<std::int64_t>(r.size()));
    for (const auto& [name, amount] : r) {
      (*this)(name);
      (*this)(amount);
    }
  }
  template <class T>
  void operator()(const std::optional<T>& v) {
    (*this)(v.has_value());
    if (v) {
      (*this)(*v);
    }
  }
  // Enums go by name: a number would tie the file to the order of a declaration elsewhere.
  template <class E>
  requires std::is_enum_v<E>
  void operator()(E e) { (*this)(std::string(api::to_string(e))); }

 private:
  std::string& out_;
};

class Reader {
 public:
  explicit Reader(std::string_view in) : in_(in) {}
  bool done() const { return ok_ && in_.empty(); }
  bool ok() const { return ok_; }

  void operator()(std::int64_t& v) {
    const std::string_view b = take(8);
    std::uint64_t u = 0;
    for (std::size_t i = b.size(); i-- > 0;) {
      u = (u << 8) | static_cast<std::uint8_t>(b[i]);
    }
    v = static_cast<std::int64_t>(u);
  }
  void operator()(std::string& s) {
    std::int64_t n = 0;
    (*this)(n);
    s = std::string(take(static_cast<std::uint64_t>(n)));
  }
  void operator()(bool& v) {
    const std::string_view b = take(1);
    ok_ = ok_ && (b[0] == 0 || b[0] == 1);
    v = ok_ && b[0] == 1;
  }
  template <class Tag>
  void operator()(Strong<Tag>& s) {
    std::string text;
    (*this)(text);
    s = Strong<Tag>(std::move(text));
  }
  void operator()(Duration& d) {
    std::int64_t n = 0;
    (*this)(n);
    d = Duration(n);
  }
  void operator()(TimePoint& t) {
    Duration d{};
    (*this)(d);
    t = TimePoint(d);
  }
  void operator()(WallTime& t) {
    Duration d{};
    (*this)(d);
    t = WallTime(d);
  }
  void operator()(api::Resources& r) {
    std::int64_t n = 0;
    (*this)(n);
    ok_ = ok_ && n >= 0;
    for (std::int64_t i = 0; ok_ && i < n; ++i) {
      std::string name;
      std::int64_t amount = 0;
      (*this)(name);
      (*this)(amount);
      // Written from a map: in order, each name once.
      ok_ = ok_ && (r.empty() || r.rbegin()->first < name);
      r.emplace_hint(r.end(), std::move(name), amount);
    }
  }
  template <class T>
  void operator()(std::optional<T>& v) {
    bool has = false;
    (*this)(has);
    if (has) {
      (*this)(v.emplace());
    }
  }
  void operator()(api::EndReason& e) { named(e, api::parse_end_reason); }
  void operator()(api::ActivityState& e) { named(e, api::parse_activity_state); }

 private:
  std::string_view take(std::uint64_t n) {
    if (!ok_ || n > in_.size()) {
      ok_ = false;
      return {};
    }
    const std::string_view out = in_.substr(0, n);
    in_.remove_prefix(n);
    return out;
  }
  template <class E>
  void named(E& e, std::optional<E> (*parse)(std::string_view)) {
    std::string text;
    (*this)(text);
    if (const auto value = parse(text)) {
      e = *value;
    } else {
      ok_ = false;
    }
  }

  std::string_view in_;
  bool ok_ = true;
};

// One list of fields per record, for both directions: the writer only reads through its reference.
template <class F>
void fields(F& f, SessionOpenedRecord& r) {
  f(r.id), f(r.token_hash), f(r.owner), f(r.resources), f(r.heartbeat_timeout), f(r.opened_at),
      f(r.opened_wall);
  f(r.execution_deadline), f(r.from_hold);
}
template <class F>
void fields(F& f, SessionEndingRecord& r) {
  f(r.id), f(r.reason), f(r.keep_for);
}
template <class F>
void fields(F& f, SessionEndedRecord& r) {
  f(r.id), f(r.reason), f(r.ended_at), f(r.hold_until);
}
template <class F>
void fields(F& f, EndedSession& r) {
  f(r.id), f(r.token_hash), f(r.owner), f(r.resources), f(r.reason), f(r.opened_at),
      f(r.opened_wall);
  f(r.ended_at), f(r.hold_until);
}
template <class F>
void fields(F& f, CordonRecord& r) {
  f(r.epoch), f(r.cordoned), f(r.drain_deadline);
}
template <class F>
void fields(F& /*f*/, RetiredRecord& /*r*/) {}
template <class F>
void fields(F& f, ActivityAcceptedRecord& r) {
  f(r.session), f(r.activity), f(r.type);
}
template <class F>
void fields(F& f, ActivityGroupRecord& r) {
  f(r.session), f(r.activity), f(r.process_group);
}
template <class F>
void fields(F& f, ActivityRejectedRecord& r) {
  f(r.session), f(r.activity);
}
template <class F>
void fields(F& f, ActivityForgottenRecord& r) {
  f(r.session), f(r.activity);
}
template <class F>
void fields(F& f, ActivityFinishedRecord& r) {
  f(r.session), f(r.activity), f(r.state), f(r.result), f(r.failure_type), f(r.failure_message);
  f(r.failure_retryable), f(r.exit_status), f(r.stdout_base64), f(r.stderr_tail), f(r.runtime);
}

template <std::size_t I = 0>
Result<Record> decode_kind(std::size_t kind, Reader& reader) {
  if constexpr (I == std::variant_size_v<Record>) {
    return fail(Error::internal("unknown record kind " + std::to_string(kind)));
  } else {
    if (kind != I) {
      return decode_kind<I + 1>(kind, reader);
    }
    std::variant_alternative_t<I, Record> record;
    fields(reader, record);
    if (!reader.done()) {
      return fail(
          Error::internal("record of kind " + std::to_string(kind) + " does not fit its length"));
    }
    return Record(std::move(record));
  }
}

}  // namespace

std::string encode_record(const Record& record) {
  std::string out;
  out.reserve(256);
  // The kind is the place in the variant: new records are added at its end.
  out.push_back(static_cast<char>(record.index()));
  Writer writer(out);
  std::visit([&](const auto& r) { fields(writer, const_cast<std::decay_t<decltype(r)>&>(r)); },
             record);
  return out;
}

Result<Record> decode_record(std::string_view bytes) {
  if (bytes.empty()) {
    return fail(Error::internal("empty record"));
  }
  Reader reader(bytes.substr(1));
  return decode_kind(static_cast<std::uint8_t>(bytes[0]), reader);
}

}  // namespace berth::worker
