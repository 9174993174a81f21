#include "berth/base/json_writer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "berth/base/json.h"

namespace berth {
namespace {

// Every answer about one session fits, and malloc still keeps blocks of this size at hand (glibc:
// up to 1,032 bytes).
constexpr std::size_t kUsualSize = 1000;

bool stands_for_itself(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; });
}

template <class Number>
void append_number(std::string& out, Number value) {
  std::array<char, 32> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out.append(digits.data(), end);
}

}  // namespace

JsonWriter::JsonWriter() {
  out_.reserve(kUsualSize);
  out_ += '{';
}

void JsonWriter::text(std::string_view key, std::string_view value) {
  member(key);
  quoted(value);
}

void JsonWriter::integer(std::string_view key, std::int64_t value) {
  member(key);
  append_number(out_, value);
}

void JsonWriter::number(std::string_view key, double value) {
  member(key);
  append_number(out_, value);
}

void JsonWriter::begin(std::string_view key) {
  member(key);
  out_ += '{';
}

void JsonWriter::end() {
  out_ += '}';
}

std::string JsonWriter::finish() && {
  end();
  return std::move(out_);
}

void JsonWriter::member(std::string_view key) {
  if (out_.back() != '{') {
    out_ += ',';
  }
  quoted(key);
  out_ += ':';
}

void JsonWriter::quoted(std::string_view text) {
  if (stands_for_itself(text)) {
    out_.append(1, '"').append(text).append(1, '"');
  } else {
    out_ += dump_json(Json(text));
  }
}

}  // namespace berth
