// Log lines: component, a stable event id to grep and alert on, then prose. The logger is handed in, never
// global.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "adapters/clock.hpp"
#include "messages/failure.hpp"

namespace spdlog {
class logger;
} // namespace spdlog

namespace herald {

class logger;
struct log_options;
result<logger> open_log(const log_options&, std::shared_ptr<const clock> time);

enum class log_level : std::uint8_t { debug, info, warning, error };

std::string_view to_string(log_level x);

/// Accepts DEBUG, INFO, WARNING and ERROR in either case, also WARN.
std::optional<log_level> parse_log_level(std::string_view name);

enum class log_format : std::uint8_t {
  text, ///< `2025-01-20 14:30:45 - INFO - notify-fan-out - Message here`
  json, ///< one object per line: time, level, component, event, message
};

struct log_options {
  log_level level = log_level::info;
  log_format format = log_format::text;
  /// Appended to; empty means stderr.
  std::string file;
};

/// A handle to the log; cheap to copy, safe to use from any thread. A default-constructed one drops
/// everything.
class logger {
public:
  logger() = default;

  template <class... Ts>
  void debug(std::string_view component, std::string_view event, fmt::format_string<Ts...> text,
             Ts&&... xs) const {
    write(log_level::debug, component, event, text, std::forward<Ts>(xs)...);
  }

  template <class... Ts>
  void info(std::string_view component, std::string_view event, fmt::format_string<Ts...> text,
            Ts&&... xs) const {
    write(log_level::info, component, event, text, std::forward<Ts>(xs)...);
  }

  template <class... Ts>
  void warning(std::string_view component, std::string_view event, fmt::format_string<Ts...> text,
               Ts&&... xs) const {
    write(log_level::warning, component, event, text, std::forward<Ts>(xs)...);
  }

  template <class... Ts>
  void error(std::string_view component, std::string_view event, fmt::format_string<Ts...> text,
             Ts&&... xs) const {
    write(log_level::error, component, event, text, std::forward<Ts>(xs)...);
  }

  bool enabled(log_level level) const;

  /// Takes effect at once, for every copy of this logger.
  void set_level(log_level level) const;

private:
  friend result<logger> open_log(const log_options&, std::shared_ptr<const clock>);

  template <class... Ts>
  void write(log_level level, std::string_view component, std::string_view event,
             fmt::format_string<Ts...> text, Ts&&... xs) const {
    if (enabled(level))
      emit(level, component, event, fmt::format(text, std::forward<Ts>(xs)...));
  }

  void emit(log_level level, std::string_view component, std::string_view event,
            const std::string& text) const;

  std::shared_ptr<spdlog::logger> sink_;
  std::shared_ptr<const clock> clock_;
  log_format format_ = log_format::text;
};

/// Opens the log. Fails (permanent) when the file cannot be opened. Lines hold no raw line breaks and carry
/// the time of `time` in UTC; each line is flushed.
result<logger> open_log(const log_options&, std::shared_ptr<const clock> time);

} // namespace herald
