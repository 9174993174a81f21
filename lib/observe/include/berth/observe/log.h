#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "berth/base/error.h"

namespace berth {

/// A structured, synchronous log. Each call writes one line to stdout at once (nothing is lost on
/// abort): one JSON object, or text for a terminal. All values are escaped: a caller's text cannot
/// forge a line or a field.
///
///     log.info("session created", {{"session", id.str()}, {"pool", pool}});
///     Log pod_log = log.with({{"pod", name}});
///
/// A value: copies share the sink. Thread-safe. The default-constructed one drops everything.
/// Never log tokens. Messages are constant text in lower case; what varies goes into fields.
class Log {
 public:
  enum class Level { kDebug, kInfo, kWarn, kError };
  enum class Format { kAuto, kJson, kText };  ///< kAuto: text if stdout is a terminal.

  struct Field {
    template <class T>
    Field(std::string_view k, T v) : key(k) {
      if constexpr (std::is_same_v<T, bool>) {
        value = v;
      } else if constexpr (std::is_integral_v<T>) {
        value = static_cast<std::int64_t>(v);
      } else if constexpr (std::is_floating_point_v<T>) {
        value = static_cast<double>(v);
      } else {
        value = std::string(v);
      }
    }
    Field(std::string_view k, const Error& e) : key(k), value(e.text()) {}
    std::string key;
    std::variant<std::string, std::int64_t, double, bool> value;
  };
  using Fields = std::initializer_list<Field>;

  Log() = default;
  /// Writes to stdout. `name` goes into each line as "logger".
  static Log to_stdout(std::string name, Level level = Level::kInfo, Format format = Format::kAuto);
  static Log to_stderr(std::string name, Level level = Level::kInfo, Format format = Format::kAuto);
  /// Calls `fn` with each finished JSON line, for tests.
  static Log to_function(std::function<void(const std::string&)> fn, Level level = Level::kDebug);

  Log with(Fields fields) const;
  bool enabled(Level level) const;
  void debug(std::string_view message, Fields fields = {}) const;
  void info(std::string_view message, Fields fields = {}) const;
  void warn(std::string_view message, Fields fields = {}) const;
  void error(std::string_view message, Fields fields = {}) const;

 private:
  struct Sink;
  void write(Level level, std::string_view message, Fields fields) const;
  std::shared_ptr<Sink> sink_;
  std::shared_ptr<const std::vector<Field>> context_;
};

/// Reads "debug", "info", "warn", "error".
Result<Log::Level> parse_log_level(std::string_view text);
/// Reads "auto", "json", "text".
Result<Log::Format> parse_log_format(std::string_view text);

}  // namespace berth
