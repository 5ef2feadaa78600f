#include "actors/log.hpp"

#include <array>
#include <exception>

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include "actors/log_line.hpp"

namespace herald {

namespace {

struct level_row {
  log_level level;
  std::string_view name;
  spdlog::level::level_enum value;
};

constexpr auto levels = std::array{
    level_row{log_level::debug, "DEBUG", spdlog::level::debug},
    level_row{log_level::info, "INFO", spdlog::level::info},
    level_row{log_level::warning, "WARNING", spdlog::level::warn},
    level_row{log_level::error, "ERROR", spdlog::level::err},
};

const level_row& row_of(log_level x) {
  return levels.at(static_cast<std::size_t>(x));
}

bool equals_ignoring_case(std::string_view x, std::string_view upper) {
  if (x.size() != upper.size())
    return false;
  for (std::size_t i = 0; i < x.size(); ++i) {
    auto c = x[i] >= 'a' && x[i] <= 'z' ? static_cast<char>(x[i] - 'a' + 'A') : x[i];
    if (c != upper[i])
      return false;
  }
  return true;
}

spdlog::sink_ptr open_sink(const std::string& file) {
  if (file.empty())
    return std::make_shared<spdlog::sinks::stderr_sink_mt>();
  return std::make_shared<spdlog::sinks::basic_file_sink_mt>(file);
}

} // namespace

std::string_view to_string(log_level x) {
  return row_of(x).name;
}

std::optional<log_level> parse_log_level(std::string_view name) {
  for (const auto& row : levels)
    if (equals_ignoring_case(name, row.name))
      return row.level;
  if (equals_ignoring_case(name, "WARN"))
    return log_level::warning;
  return std::nullopt;
}

bool logger::enabled(log_level level) const {
  return sink_ && sink_->should_log(row_of(level).value);
}

void logger::set_level(log_level level) const {
  if (sink_)
    sink_->set_level(row_of(level).value);
}

void logger::emit(log_level level, std::string_view component, std::string_view event,
                  const std::string& text) const {
  auto record = log_record{clock_->now(), level, component, event, text};
  // As a string view, so that the line is taken as it is and never as a format string.
  sink_->log(row_of(level).value,
             std::string_view{format_ == log_format::json ? json_line(record) : text_line(record)});
}

result<logger> open_log(const log_options& options, std::shared_ptr<const clock> time) {
  try {
    logger out;
    out.sink_ = std::make_shared<spdlog::logger>("herald", open_sink(options.file));
    out.sink_->set_pattern("%v");
    out.sink_->flush_on(spdlog::level::trace);
    out.clock_ = std::move(time);
    out.format_ = options.format;
    out.set_level(options.level);
    return out;
  } catch (const std::exception& e) {
    return failure{failure_class::permanent, "cannot open the log file " + options.file + ": " + e.what()
                                                 + "; set log.file to a path that Herald may append to"};
  }
}

} // namespace herald
