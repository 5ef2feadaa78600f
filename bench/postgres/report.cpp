#include "bench/postgres/report.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace herald::bench {

namespace {

double median_of(std::vector<double> xs) {
  std::ranges::sort(xs);
  auto n = xs.size();
  return n % 2 == 1 ? xs[n / 2] : (xs[n / 2 - 1] + xs[n / 2]) / 2;
}

std::string shown(double x, int digits) {
  return std::isnan(x) ? std::string{} : fmt::format("{:.{}f}", x, digits);
}

} // namespace

void report::add(const std::string& workload, const std::string& who, const std::string& unit, double value) {
  if (std::ranges::find(order_, who) == order_.end())
    order_.push_back(who);
  samples_[workload][who][unit].push_back(value);
}

bool report::has(const std::string& workload, const std::string& who, const std::string& unit) const {
  return !std::isnan(median(workload, who, unit));
}

double report::median(const std::string& workload, const std::string& who, const std::string& unit) const {
  auto w = samples_.find(workload);
  if (w != samples_.end())
    if (auto x = w->second.find(who); x != w->second.end())
      if (auto y = x->second.find(unit); y != x->second.end())
        return median_of(y->second);
  return std::numeric_limits<double>::quiet_NaN();
}

std::vector<std::string> report::contenders(const std::string& workload) const {
  auto out = order_;
  std::erase_if(out, [&](auto& x) { return !samples_.at(workload).contains(x); });
  return out;
}

std::string report::markdown() const {
  std::string out;
  for (auto& x : notes_)
    out += x + "\n\n";
  for (auto& [workload, by_who] : samples_) {
    auto limit = median(workload, "COPY in two sessions", "rows/s");
    out += fmt::format("{}:\n\n| | events/s | rows/s | of two-session COPY | p50 ms | p99 ms | other |\n"
                       "| --- | ---: | ---: | ---: | ---: | ---: | --- |\n",
                       workload);
    for (auto& who : contenders(workload)) {
      auto value = [&](const char* unit) { return median(workload, who, unit); };
      std::string other;
      for (auto& [unit, samples] : by_who.at(who))
        if (unit != "events/s" && unit != "rows/s" && unit != "p50 ms" && unit != "p99 ms")
          other += fmt::format("{}{} {}", other.empty() ? "" : ", ", shown(median_of(samples), 3), unit);
      out += fmt::format("| {} | {} | {} | {} | {} | {} | {} |\n", who, shown(value("events/s"), 0),
                         shown(value("rows/s"), 0), shown(value("rows/s") / limit, 2),
                         shown(value("p50 ms"), 1), shown(value("p99 ms"), 1), other);
    }
    out += "\n";
  }
  return out;
}

std::string report::json() const {
  auto out = nlohmann::ordered_json::object();
  out["notes"] = notes_;
  for (auto& [workload, by_who] : samples_)
    for (auto& [who, by_unit] : by_who)
      for (auto& [unit, samples] : by_unit)
        out["figures"][workload][who][unit] = {{"median", median_of(samples)}, {"samples", samples}};
  return out.dump(2);
}

} // namespace herald::bench
