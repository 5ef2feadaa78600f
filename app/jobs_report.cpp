// The jobs' part of app/reports.hpp, as text and as JSON.
#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "app/reports.hpp"
#include "app/terminal_text.hpp"

namespace herald {

namespace {

using nlohmann::ordered_json;

/// Bounds on what strangers may put on a screen, in characters.
constexpr std::size_t max_name = 60;
constexpr std::size_t max_reason = 500;

/// Nobody's schedule is longer in characters, or it pushes its line to the right.
constexpr std::size_t schedule_width = 34;

std::string counts_text(const job_counts& counts) {
  std::string out;
  for (auto& [reason, n] : counts)
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", n, printable(reason, max_name));
  return out.empty() ? "nothing to do" : out;
}

std::optional<duration> took(const job_run& x) {
  return x.started_at && x.ended_at ? std::optional{*x.ended_at - *x.started_at} : std::nullopt;
}

std::string run_text(const job_run& x) {
  auto out = fmt::format("    {}  {}", to_iso8601(x.scheduled_at), pad_right(std::string{to_string(x.state)}, 8));
  if (x.state == run_state::missed)
    return out + fmt::format("{} instants since {}\n", x.instants, to_iso8601(x.first_at));
  if (x.cause != run_cause::schedule)
    out += x.cause == run_cause::hand ? "by hand, " : "after downtime, ";
  out += counts_text(x.counts);
  if (auto ms = took(x))
    out += fmt::format(", {:.3f} s", static_cast<double>(ms->count()) / 1'000);
  if (x.attempts > 1)
    out += fmt::format(", try {}", x.attempts);
  if (x.state == run_state::running)
    out += fmt::format(", by {} since {}", printable(x.worker, max_name),
                       x.started_at ? to_iso8601(*x.started_at) : std::string{"now"});
  if (!x.error.empty())
    out += fmt::format("\n      {}: {}", printable(x.error_class, max_name), printable(x.error, max_reason));
  if (x.retry_at)
    out += fmt::format("; next try {}", to_iso8601(*x.retry_at));
  return out + "\n";
}

std::string watches_text(const watch_summary& x, timestamp now) {
  auto out = fmt::format("calendar watches: {} of {} connections watched", x.watched, x.connections);
  if (x.next_expiry)
    out += fmt::format(", the next one expires {} (in {} h)", to_iso8601(*x.next_expiry),
                       std::chrono::floor<std::chrono::hours>(*x.next_expiry - now).count());
  if (x.expired + x.needs_reconnect + x.failing > 0)
    out += fmt::format("; {} expired, {} wait for their owner to connect anew, {} failing", x.expired,
                       x.needs_reconnect, x.failing);
  return out + "\n";
}

ordered_json json_of(const std::optional<timestamp>& x) {
  return x ? ordered_json(to_iso8601(*x)) : ordered_json();
}

ordered_json json_of(const job_run& x) {
  auto ms = took(x);
  return {{"id", x.id},
          {"scheduled_at", to_iso8601(x.scheduled_at)},
          {"first_at", to_iso8601(x.first_at)},
          {"instants", x.instants},
          {"cause", to_string(x.cause)},
          {"state", to_string(x.state)},
          {"worker", x.worker},
          {"attempts", x.attempts},
          {"started_at", json_of(x.started_at)},
          {"ended_at", json_of(x.ended_at)},
          {"took_ms", ms ? ordered_json(ms->count()) : ordered_json()},
          {"retry_at", json_of(x.retry_at)},
          {"error_class", x.error_class},
          {"error", x.error},
          {"counts", x.counts}};
}

ordered_json json_of(const job_view& x) {
  ordered_json runs = ordered_json::array();
  for (auto& run : x.runs)
    runs.push_back(json_of(run));
  return {{"job", x.schedule.job},
          {"schedule", x.schedule.rule},
          {"time_zone", x.schedule.zone},
          {"next", json_of(x.next)},
          {"runs", std::move(runs)}};
}

} // namespace

std::string jobs_text(std::span<const job_view> jobs, const watch_summary& watches, timestamp now) {
  std::string out;
  for (auto& x : jobs) {
    auto schedule = x.schedule.rule.empty() ? std::string{"never"} : x.schedule.rule + " " + x.schedule.zone;
    out += fmt::format("{}  {}  {}\n", pad_right(printable(x.schedule.job, max_name), 26),
                       pad_right(printable(schedule, max_name), schedule_width),
                       x.next ? "next " + to_iso8601(*x.next) : "by hand only");
    for (auto& run : x.runs)
      out += run_text(run);
    if (x.runs.empty())
      out += "    never run\n";
  }
  return out + watches_text(watches, now);
}

std::string jobs_json(std::span<const job_view> jobs, const watch_summary& watches) {
  ordered_json list = ordered_json::array();
  for (auto& x : jobs)
    list.push_back(json_of(x));
  ordered_json out{{"jobs", std::move(list)},
                   {"watches",
                    {{"connections", watches.connections},
                     {"watched", watches.watched},
                     {"expired", watches.expired},
                     {"needs_reconnect", watches.needs_reconnect},
                     {"failing", watches.failing},
                     {"next_expiry", json_of(watches.next_expiry)}}}};
  return out.dump(-1, ' ', true, ordered_json::error_handler_t::replace);
}

} // namespace herald
