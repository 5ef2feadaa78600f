// Samples by name, and how they are shown: a Markdown table for people, JSON for scripts.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace herald::bench {

class report {
public:
  /// One more sample of something, e.g. ("documents", "herald", "rows/s", 60000).
  void add(const std::string& workload, const std::string& who, const std::string& unit, double value);

  bool has(const std::string& workload, const std::string& who, const std::string& unit) const;
  /// NaN without samples.
  double median(const std::string& workload, const std::string& who, const std::string& unit) const;

  /// A line of explanation in front of the tables.
  void note(const std::string& text) { notes_.push_back(text); }

  std::string markdown() const;
  std::string json() const;

private:
  std::vector<std::string> contenders(const std::string& workload) const;

  std::vector<std::string> order_;
  std::map<std::string, std::map<std::string, std::map<std::string, std::vector<double>>>> samples_;
  std::vector<std::string> notes_;
};

} // namespace herald::bench
