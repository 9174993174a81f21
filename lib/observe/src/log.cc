#include "berth/observe/log.h"

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <mutex>
#include <utility>

#include "berth/base/clock.h"
#include "escape.h"

namespace berth {

struct Log::Sink {
  std::string name;
  Level level = Level::kInfo;
  bool json = true;
  // Writes one whole line; may be called by several threads at once.
  std::function<void(Level, const std::string&)> emit;
};

namespace {

// Fields that do not fit into a line of this size are left out and counted.
constexpr std::size_t kMaxLineBytes = 64U << 10;

std::string_view name_of(Log::Level level) {
  switch (level) {
    case Log::Level::kDebug:
      return "debug";
    case Log::Level::kInfo:
      return "info";
    case Log::Level::kWarn:
      return "warn";
    case Log::Level::kError:
      break;
  }
  return "error";
}

spdlog::level::level_enum to_spdlog(Log::Level level) {
  switch (level) {
    case Log::Level::kDebug:
      return spdlog::level::debug;
    case Log::Level::kInfo:
      return spdlog::level::info;
    case Log::Level::kWarn:
      return spdlog::level::warn;
    case Log::Level::kError:
      break;
  }
  return spdlog::level::err;
}

void append_number(std::string& out, double value, bool json) {
  // JSON has no infinity and no NaN.
  const std::string_view quote = json && !std::isfinite(value) ? "\"" : "";
  fmt::format_to(std::back_inserter(out), "{0}{1}{0}", quote, value);
}

void append_value(std::string& out, const decltype(Log::Field::value)& value, bool json) {
  if (const auto* text = std::get_if<std::string>(&value)) {
    json ? observe::append_json_string(out, *text) : observe::append_plain_value(out, *text);
  } else if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    fmt::format_to(std::back_inserter(out), "{}", *integer);
  } else if (const auto* number = std::get_if<double>(&value)) {
    append_number(out, *number, json);
  } else {
    out += std::get<bool>(value) ? "true" : "false";
  }
}

bool is_reserved(std::string_view key) {
  return key == "ts" || key == "level" || key == "logger" || key == "msg";
}

void append_field(std::string& out, const Log::Field& field, bool json) {
  const std::string key = is_reserved(field.key) ? "field." + field.key : field.key;
  if (json) {
    out += ',';
    observe::append_json_string(out, key);
    out += ':';
  } else {
    out += ' ';
    observe::append_plain(out, key);
    out += '=';
  }
  append_value(out, field.value, json);
}

void append_head(std::string& out, Log::Level level, const std::string& logger,
                 std::string_view message, bool json) {
  const std::string ts = format_rfc3339(SystemClock().wall_now());
  if (json) {
    fmt::format_to(std::back_inserter(out), R"({{"ts":"{}","level":"{}","logger":)", ts,
                   name_of(level));
    observe::append_json_string(out, logger);
    out += R"(,"msg":)";
    observe::append_json_string(out, message);
  } else {
    fmt::format_to(std::back_inserter(out), "{} {:<5} ", ts, name_of(level));
    observe::append_plain(out, logger);
    out += ": ";
    observe::append_plain(out, message);
  }
}

template <class SpdlogSink>
std::function<void(Log::Level, const std::string&)> through_spdlog(const std::string& name) {
  // spdlog's console sinks share one mutex over stdout and stderr, and flush after each line.
  auto logger = std::make_shared<spdlog::logger>(name, std::make_shared<SpdlogSink>());
  logger->set_level(spdlog::level::trace);
  logger->set_pattern("%v");
  return [logger = std::move(logger)](Log::Level level, const std::string& line) {
    logger->log(to_spdlog(level), spdlog::string_view_t(line.data(), line.size()));
  };
}

bool wants_json(Log::Format format, int fd) {
  return format == Log::Format::kJson || (format == Log::Format::kAuto && ::isatty(fd) == 0);
}

template <class Fields>
bool has_key(const Fields& fields, const std::string& key) {
  return std::any_of(fields.begin(), fields.end(),
                     [&](const Log::Field& f) { return f.key == key; });
}

}  // namespace

Log Log::to_stdout(std::string name, Level level, Format format) {
  Log log;
  auto emit = through_spdlog<spdlog::sinks::stdout_sink_mt>(name);
  log.sink_ = std::make_shared<Sink>(
      Sink{std::move(name), level, wants_json(format, STDOUT_FILENO), std::move(emit)});
  return log;
}

Log Log::to_stderr(std::string name, Level level, Format format) {
  Log log;
  auto emit = through_spdlog<spdlog::sinks::stderr_sink_mt>(name);
  log.sink_ = std::make_shared<Sink>(
      Sink{std::move(name), level, wants_json(format, STDERR_FILENO), std::move(emit)});
  return log;
}

Log Log::to_function(std::function<void(const std::string&)> fn, Level level) {
  Log log;
  auto mutex = std::make_shared<std::mutex>();
  auto emit = [mutex = std::move(mutex), fn = std::move(fn)](Level, const std::string& line) {
    const std::lock_guard lock(*mutex);
    fn(line);
  };
  log.sink_ = std::make_shared<Sink>(Sink{"test", level, true, std::move(emit)});
  return log;
}

Log Log::with(Fields fields) const {
  Log log;
  log.sink_ = sink_;
  auto context = std::make_shared<std::vector<Field>>();
  if (context_) {
    for (const Field& f : *context_) {
      if (!has_key(fields, f.key)) {
        context->push_back(f);
      }
    }
  }
  context->insert(context->end(), fields.begin(), fields.end());
  log.context_ = std::move(context);
  return log;
}

bool Log::enabled(Level level) const {
  return sink_ != nullptr && level >= sink_->level;
}

void Log::debug(std::string_view message, Fields fields) const {
  write(Level::kDebug, message, fields);
}
void Log::info(std::string_view message, Fields fields) const {
  write(Level::kInfo, message, fields);
}
void Log::warn(std::string_view message, Fields fields) const {
  write(Level::kWarn, message, fields);
}
void Log::error(std::string_view message, Fields fields) const {
  write(Level::kError, message, fields);
}

void Log::write(Level level, std::string_view message, Fields fields) const {
  if (!enabled(level)) {
    return;
  }
  const bool json = sink_->json;
  std::string line;
  append_head(line, level, sink_->name, message, json);
  std::int64_t left_out = 0;
  const auto add = [&](const Field& field) {
    if (line.size() < kMaxLineBytes) {
      append_field(line, field, json);
    } else {
      ++left_out;
    }
  };
  if (context_) {
    for (const Field& field : *context_) {
      if (!has_key(fields, field.key)) {
        add(field);
      }
    }
  }
  std::for_each(fields.begin(), fields.end(), add);
  if (left_out > 0) {
    append_field(line, Field("fields_left_out", left_out), json);
  }
  if (json) {
    line += '}';
  }
  sink_->emit(level, line);
}

Result<Log::Level> parse_log_level(std::string_view text) {
  for (const auto level :
       {Log::Level::kDebug, Log::Level::kInfo, Log::Level::kWarn, Log::Level::kError}) {
    if (text == name_of(level)) {
      return level;
    }
  }
  return fail(Error::invalid("log-level", "must be debug, info, warn or error"));
}

Result<Log::Format> parse_log_format(std::string_view text) {
  if (text == "auto") {
    return Log::Format::kAuto;
  }
  if (text == "json") {
    return Log::Format::kJson;
  }
  if (text == "text") {
    return Log::Format::kText;
  }
  return fail(Error::invalid("log-format", "must be auto, json or text"));
}

}  // namespace berth
