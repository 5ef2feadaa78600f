// The long run and the single run: the pipeline between its first and its last signal.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "actors/calendar_gate.hpp"
#include "actors/log.hpp"
#include "actors/mail_gate.hpp"
#include "adapters/calendar/calendar_api.hpp"
#include "adapters/clock.hpp"
#include "adapters/mail/mail_transport.hpp"
#include "adapters/store/store.hpp"
#include "app/signals.hpp"
#include "config/config_error.hpp"
#include "config/configuration.hpp"
#include "core/email/prepare.hpp"
#include "core/handlers.hpp"

namespace herald {

/// Seams for a program that is herald with something around its ports, e.g. one that dies at a chosen step. Each is
/// called for every store, transport and calendar provider that is opened; empty changes nothing.
struct program_hooks {
  std::function<std::unique_ptr<pipeline_store>(std::unique_ptr<pipeline_store>)> around_store;
  std::function<std::unique_ptr<mail_transport>(std::unique_ptr<mail_transport>)> around_transport;
  std::function<std::unique_ptr<calendar_api>(std::unique_ptr<calendar_api>)> around_calendar{};
};

/// What a command that runs the pipeline needs.
struct run_environment {
  configuration cfg;
  std::vector<handler_row> rows;
  std::shared_ptr<const clock> time;
  logger log;
  const signal_watch& signals;
  /// How mails are rendered and sent; empty when none are.
  render_fn render;
  transport_opener open_transport;
  program_hooks hooks;
  /// Reads the configuration again, as it was read at the start.
  std::function<config_result<configuration>()> reload{};
};

/// `herald run`: works until SIGTERM or SIGINT, then drains within the configured deadline. On SIGHUP it reads its
/// configuration again: what may change at once does, the rest is named in the log, and a configuration that is not valid
/// changes nothing. Returns an exit code.
int run_daemon(const run_environment& env);

/// `herald once notify-fan-out`: works until nothing is due, then stops. Prints what it did as text or JSON.
int run_fan_out_once(const run_environment& env, bool json);

enum class mail_job : std::uint8_t { instant, digest };

/// `herald once email-instant` and `email-digest`: sends what is due of one kind, then stops. The digest job opens the
/// newest window that has closed. Fails when the provider takes no mail for half a minute.
int run_mail_once(const run_environment& env, mail_job job, bool json);

/// `herald once JOB` for the time-driven jobs: makes one run by hand, as if it were `as_of` (nothing: now), and prints what
/// it counted. Fails when the run does, and when another one is under way; one that a signal breaks off is cut short.
int run_job_once(const run_environment& env, std::string_view job, std::optional<timestamp> as_of, bool json);

} // namespace herald
