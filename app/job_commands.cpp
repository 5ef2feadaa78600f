// The jobs' half of app/commands.hpp: schedules, runs and calendar watches at a glance.
#include <algorithm>
#include <iterator>
#include <vector>

#include "app/command_output.hpp"
#include "app/commands.hpp"
#include "app/reports.hpp"
#include "core/jobs/occurrences.hpp"

namespace herald {

namespace {

job_view view_of(const jobs_options& all, const job_options& x, const std::vector<job_run>& runs,
                 timestamp now) {
  job_view out{x.schedule, {}, {}};
  if (all.enabled && !x.schedule.rule.empty())
    if (auto schedule = job_schedule::parse(x.schedule))
      out.next = next_after(schedule->rule, schedule->zone, now);
  std::ranges::copy_if(runs, std::back_inserter(out.runs),
                       [&](const job_run& run) { return run.job == x.schedule.job; });
  return out;
}

} // namespace

int print_jobs(const configuration& cfg, const clock& time, const jobs_arguments& args, bool json) {
  auto code = exit_code::ok;
  auto store = open_existing(cfg, code);
  if (!store)
    return code;
  auto runs = store->job_runs(args.history);
  if (!runs)
    return fail(runs.error().reason);
  auto now = time.now();
  auto watches = store->summarize_watches(now);
  if (!watches)
    return fail(watches.error().reason);
  std::vector<job_view> views;
  for (auto* x : cfg.jobs.all())
    views.push_back(view_of(cfg.jobs, *x, *runs, now));
  print_line(json ? jobs_json(views, *watches) : jobs_text(views, *watches, now));
  return exit_code::ok;
}

} // namespace herald
