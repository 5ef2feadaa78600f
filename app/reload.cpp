#include "app/reload.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include <nlohmann/json.hpp>

#include "config/option_table.hpp"

namespace herald {

namespace {

constexpr std::array reloadable_of_a_job{
    std::string_view{"/schedule"}, std::string_view{"/time_zone"},     std::string_view{"/jitter_ms"},
    std::string_view{"/catch_up"}, std::string_view{"/catch_up_runs"}, std::string_view{"/late_after_ms"}};

bool takes_effect_at_once(std::string_view pointer) {
  if (pointer == "/log/level" || pointer == "/jobs/enabled")
    return true;
  return pointer.starts_with("/jobs/") && std::ranges::any_of(reloadable_of_a_job, [&](std::string_view x) {
           return pointer.ends_with(x);
         });
}

bool same(const schedule_settings& x, const schedule_settings& y) {
  return x.rule == y.rule && x.zone == y.zone && x.jitter == y.jitter && x.catch_up == y.catch_up
         && x.catch_up_runs == y.catch_up_runs && x.late_after == y.late_after;
}

} // namespace

std::vector<schedule_settings> schedules_in_force(const jobs_options& x) {
  std::vector<schedule_settings> out;
  for (auto* job : x.all()) {
    out.push_back(job->schedule);
    if (!x.enabled)
      out.back().rule.clear();
  }
  return out;
}

reload_plan plan_reload(const configuration& before, const configuration& after) {
  reload_plan out;
  for (auto& option : option_table()) {
    // Secrets are compared as they are and shown as they must be.
    if (option.get(before) == option.get(after))
      continue;
    auto line =
        option.pointer + " " + to_json(option, before).dump() + " -> " + to_json(option, after).dump();
    (takes_effect_at_once(option.pointer) ? out.at_once : out.at_next_start).push_back(std::move(line));
  }
  auto old_schedules = schedules_in_force(before.jobs);
  auto new_schedules = schedules_in_force(after.jobs);
  for (std::size_t i = 0; i < new_schedules.size(); ++i)
    if (!same(old_schedules[i], new_schedules[i]))
      out.schedules.push_back(new_schedules[i]);
  return out;
}

} // namespace herald
