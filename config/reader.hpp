// Lays the sources of a configuration over the defaults, weakest first, and collects what is wrong with them.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "config/loader.hpp"
#include "config/option.hpp"

namespace herald {

class configuration_reader {
public:
  configuration_reader();

  // -- sources, to be read in this order --------------------------------------------------------------------

  void read_file(const config_text&);
  void read_environment(const std::map<std::string, std::string>& environment,
                        const std::optional<config_text>& env_file);
  void read_overrides(const std::vector<config_override>&);

  /// Checks the rules between options, and gives the configuration or all errors.
  config_result<configuration> finish();

private:
  /// One environment variable that is set, and where.
  struct variable {
    std::string name{};
    std::string value{};
    std::string file{}; ///< empty: the process environment
    std::size_t line = 0;
  };

  void read_object(const nlohmann::json& object, const std::string& pointer, const std::string& source);
  void read_entry(const std::string& key, const nlohmann::json& value, const std::string& parent,
                  const std::string& source);
  void read_variables(const option&, const std::vector<variable>&);
  void read_override(const config_override&);
  void check_rules();

  /// Notes where the option got its value, or why it did not.
  void settle(const option&, config_error origin, std::optional<mismatch>);
  config_error unknown_key(std::string_view key, const std::string& parent) const;

  const option* find(std::string_view pointer) const;
  /// The names that may stand in the object at `pointer`.
  std::vector<std::string> names_in(const std::string& pointer) const;

  std::vector<option> options_;
  configuration config_;
  config_errors errors_;
  /// Who set an option last; absent: the default holds.
  std::map<std::string, config_error> origins_;
  /// Options with a refused value; rules say nothing about them.
  std::set<std::string> refused_;
};

} // namespace herald
