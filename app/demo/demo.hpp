// `herald demo`: a small company's events through the real pipeline, then a day of its time, into a database to look at
// afterwards.
#pragma once

#include <cstdint>
#include <string>

#include "app/daemon.hpp"

namespace herald {

struct demo_arguments {
  /// Go on working, as `herald run` would, until told to stop.
  bool keep = false;
  /// Print one JSON object as the last line of stdout; everything else goes to stderr.
  bool json = false;
  /// About how many events are fed.
  std::uint32_t events = 400;
  std::uint64_t seed = 1;
  /// How long the company is then watched, in its own time; the day ends now.
  std::uint32_t hours = 24;
};

/// Where a demo on this database puts its captured mail; belongs to the demo as the database does.
std::string demo_mail_dir(const std::string& database);

/// Replaces the database of an earlier demo at the configured path; refuses to touch any other file.
/// `env.rows` are the event types besides the demo's own crashing one. Returns an exit code: failed when the
/// books do not balance.
int run_demo(const run_environment& env, const demo_arguments& args);

} // namespace herald
