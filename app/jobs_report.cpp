// The text half of app/reports.hpp, as far as it is about jobs.
#include <algorithm>

#include <fmt/format.h>

#include "app/reports.hpp"
#include "app/terminal_text.hpp"

namespace herald {

namespace {

/// Bounds on what strangers may put on a screen, in characters.
constexpr std::size_t max_name = 60;
constexpr std::size_t max_reason = 500;

/// Nobody's schedule is longer in characters, or it pushes its line to the right.
constexpr std::size_t schedule_width = 34;

template <class Counts> std::string joined(const Counts& counts) {
  std::string out;
  for (auto& [what, n] : counts)
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", n, printable(what, max_name));
  return out.empty() ? "nothing to do" : out;
}

std::string run_text(const job_run& x) {
  auto out =
      fmt::format("    {}  {}", to_iso8601(x.scheduled_at), pad_right(std::string{to_string(x.state)}, 8));
  if (x.state == run_state::missed)
    return out + fmt::format("{} instants since {}\n", x.instants, to_iso8601(x.first_at));
  if (x.cause != run_cause::schedule)
    out += x.cause == run_cause::hand ? "by hand, " : "after downtime, ";
  out += joined(x.counts);
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

std::string demo_jobs_text(const demo_report& x) {
  std::string out = "Jobs:\n";
  for (auto& [job, sum] : x.jobs)
    out += fmt::format("  {}{}\n    {}\n", pad_right(printable(job, max_name), 28), joined(sum.runs),
                       joined(sum.counts));
  return out
         + fmt::format("Calendars: {} of {} watched, {} wait for their owner to connect anew; {} channels "
                       "made, {} of them"
                       " stopped again\n",
                       x.watches.watched, x.watches.connections, x.watches.needs_reconnect,
                       x.channels_live + x.channels_stopped + x.channels_expired, x.channels_stopped);
}

} // namespace herald
