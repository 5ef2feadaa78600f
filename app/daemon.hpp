// The long run and the single run: the pipeline between its first and its last signal.
#pragma once

#include <memory>
#include <vector>

#include "actors/log.hpp"
#include "adapters/clock.hpp"
#include "app/signals.hpp"
#include "config/configuration.hpp"
#include "core/handlers.hpp"

namespace herald {

/// What a command that runs the pipeline needs.
struct run_environment {
  configuration cfg;
  std::vector<handler_row> rows;
  std::shared_ptr<const clock> time;
  logger log;
  const signal_watch& signals;
};

/// `herald run`: works until SIGTERM or SIGINT, then drains within the configured deadline. Returns an exit
/// code.
int run_daemon(const run_environment& env);

/// `herald once notify-fan-out`: works until nothing is due, then stops. Prints what it did as text or JSON.
int run_fan_out_once(const run_environment& env, bool json);

} // namespace herald
