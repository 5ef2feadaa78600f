// From files, environment and command line to one configuration, or to everything that is wrong with it at
// once.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/config_error.hpp"
#include "config/configuration.hpp"

namespace herald {

/// A configuration or `.env` file larger than this is refused.
inline constexpr std::size_t max_config_bytes = std::size_t{1024} * 1024;

/// An option as the command line gives it.
struct config_override {
  /// JSON pointer, e.g. `/poller/batch_size`; `poller.batch_size` means the same.
  std::string pointer;
  /// As text; see assign_text in config/option.hpp.
  std::string value;
};

/// Where a configuration comes from. Precedence: overrides, environment, file, default.
struct config_sources {
  /// The configuration file; empty for none.
  std::string file{};
  /// The environment of the process. A variable that is set to nothing counts as not set, here and in
  /// `env_file`.
  std::map<std::string, std::string> environment{};
  /// A `.env` file, empty for none. The environment of the process wins over it.
  std::string env_file{};
  std::vector<config_override> overrides{};
};

/// Reads, checks and merges. Errors, all that there are: files that cannot be read or are too large, syntax,
/// keys that are unknown or stand twice, values of the wrong type or out of range wherever they come from
/// (also those that a stronger source outvotes), and options that contradict each other.
config_result<configuration> load_configuration(const config_sources&);

/// A file after it was read.
struct config_text {
  std::string name;
  std::string text;
};

/// The same sources with the files already read.
struct config_texts {
  std::optional<config_text> file{};
  std::map<std::string, std::string> environment{};
  std::optional<config_text> env_file{};
  std::vector<config_override> overrides{};
};

/// load_configuration without reading files. Pure.
config_result<configuration> read_configuration(const config_texts&);

} // namespace herald
