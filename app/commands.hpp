// The commands that look and repair: everything of the command line that does not run the pipeline. Each
// returns an exit code; results go to stdout, errors to stderr.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "adapters/clock.hpp"
#include "config/configuration.hpp"

namespace herald {

/// What `herald emit` was given: either a file (`-` for standard input) or a type with fields.
struct emit_arguments {
  std::string file;
  std::string type;
  std::vector<std::string> fields;
  std::optional<std::string> payload;
};

int emit_events(const configuration&, const clock&, const emit_arguments&, bool json);

int print_status(const configuration&, const clock&, bool json);

int explain_event(const configuration&, std::int64_t event_id, bool json);

enum class dead_action : std::uint8_t { list, retry, drop };

struct dead_arguments {
  dead_action action = dead_action::list;
  std::vector<std::int64_t> event_ids;
  /// Retry or drop every dead letter. Without it and without ids nothing is done.
  bool all = false;
  std::uint32_t limit = 100;
};

int handle_dead_letters(const configuration&, const clock&, const dead_arguments&, bool json);

} // namespace herald
