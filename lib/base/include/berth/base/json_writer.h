#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace berth {

/// Writes one JSON object as text, member by member, in the order of the calls: for answers of a
/// fixed shape on busy paths, where building a Json and dumping it would cost more than all else.
/// Text is escaped, and invalid UTF-8 replaced, as by dump_json.
///
///     JsonWriter out;
///     out.text("id", id);
///     out.begin("worker");
///     out.integer("port", 7600);
///     out.end();
///     return std::move(out).finish();
class JsonWriter {
 public:
  JsonWriter();

  void text(std::string_view key, std::string_view value);
  void integer(std::string_view key, std::int64_t value);
  /// The shortest text that reads back as `value`, which must be finite.
  void number(std::string_view key, double value);
  /// The members until the matching end() belong to an object of their own.
  void begin(std::string_view key);
  void end();

  std::string finish() &&;

 private:
  void member(std::string_view key);
  void quoted(std::string_view text);

  std::string out_;
};

}  // namespace berth
