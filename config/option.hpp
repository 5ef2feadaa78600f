// One thing an operator may set: what it is called, what it may be, and where its value lives in the
// configuration.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace herald {

struct configuration;

enum class option_type : std::uint8_t {
  boolean, ///< bool
  integer, ///< std::int64_t
  number,  ///< double
  text,    ///< std::string without control characters
  choice,  ///< std::string out of `choices`, in either case
  id_list, ///< std::vector<std::string> of UUIDs
};

/// A value on its way between the configuration and its written forms; the alternative follows from
/// option_type.
using option_value = std::variant<bool, std::int64_t, double, std::string, std::vector<std::string>>;

// Every member has an initialiser, so that a row can name those that matter and leave out the rest.
struct option {
  /// JSON pointer into the configuration file, e.g. `/poller/batch_size`.
  std::string pointer{};
  option_type type = option_type::text;
  /// integer and number: the least and the greatest value; text: of its length in characters. Whole numbers
  /// up to 2⁵³ are exact.
  double min = 0;
  double max = 0;
  /// `milliseconds`, `minutes`, `hours` or `days`; empty when the value has no unit.
  std::string unit{};
  std::vector<std::string> choices{};
  /// A key or password: shown as `***` wherever values are printed, and never quoted in an error.
  bool hidden = false;
  /// Environment variables that set it. Several: each is a switch of its own, and one that is true decides.
  std::vector<std::string> environment{};
  /// One sentence for the operator.
  std::string description{};

  std::function<option_value(const configuration&)> get{};
  /// False, and no change, when the value is none of the allowed ones. Bounds are checked by `assign`.
  std::function<bool(configuration&, const option_value&)> set{};
};

/// Why a value was refused.
struct mismatch {
  /// The option's pointer, or that of the list entry at fault.
  std::string pointer;
  std::string expected;
  std::string found;
};

/// What may stand here, e.g. `an integer from 1 to 10000`.
std::string expectation(const option&);

/// Sets the option from a value in the file. Nothing means success.
std::optional<mismatch> assign(const option&, configuration&, const nlohmann::json& value);

/// Sets the option from the text of an environment variable or the command line: surrounding blanks are
/// dropped, booleans are true/false, 1/0 or yes/no in either case, lists are separated by commas. Nothing
/// means success.
std::optional<mismatch> assign_text(const option&, configuration&, std::string_view value);

/// The value in effect as it would stand in a file; `***` for a hidden one that is set.
nlohmann::json to_json(const option&, const configuration&);

} // namespace herald
