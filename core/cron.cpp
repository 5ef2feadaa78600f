#include "core/cron.hpp"

#include <array>
#include <bit>
#include <charconv>
#include <span>
#include <utility>
#include <vector>

#include "core/text.hpp"

namespace herald {

namespace {

using std::chrono::days;
using std::chrono::local_days;
using std::chrono::minutes;

constexpr std::array<std::string_view, 12> month_names{"jan", "feb", "mar", "apr", "may", "jun",
                                                       "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 7> weekday_names{"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

constexpr std::array<std::pair<std::string_view, std::string_view>, 7> nicknames{{
    {"@yearly", "0 0 1 1 *"},
    {"@annually", "0 0 1 1 *"},
    {"@monthly", "0 0 1 * *"},
    {"@weekly", "0 0 * * 0"},
    {"@daily", "0 0 * * *"},
    {"@midnight", "0 0 * * *"},
    {"@hourly", "0 * * * *"},
}};

/// What one field may hold.
struct field_kind {
  std::string_view name;
  unsigned min;
  unsigned max;
  std::string_view expected;
  /// Names of the values from `min` on.
  std::span<const std::string_view> names;
};

constexpr std::array<field_kind, 5> field_kinds{{
    {"minute", 0, 59, "0 to 59", {}},
    {"hour", 0, 23, "0 to 23", {}},
    {"day of month", 1, 31, "1 to 31", {}},
    {"month", 1, 12, "1 to 12 or jan to dec", month_names},
    {"day of week", 0, 7, "0 to 7 or sun to sat", weekday_names},
}};

constexpr unsigned weekday_field = 4;

std::string lower(std::string_view text) {
  std::string out{text};
  for (auto& c : out)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  return out;
}

/// The parts between separators, empty ones included.
std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> out;
  for (;;) {
    auto at = text.find(separator);
    out.push_back(text.substr(0, at));
    if (at == std::string_view::npos)
      return out;
    text.remove_prefix(at + 1);
  }
}

std::vector<std::string_view> words(std::string_view text) {
  static constexpr std::string_view blanks = " \t\r\n";
  std::vector<std::string_view> out;
  for (;;) {
    auto begin = text.find_first_not_of(blanks);
    if (begin == std::string_view::npos)
      return out;
    text.remove_prefix(begin);
    auto end = std::min(text.find_first_of(blanks), text.size());
    out.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

std::optional<unsigned> number(std::string_view text) {
  unsigned out = 0;
  auto end = text.data() + text.size();
  auto [rest, error] = std::from_chars(text.data(), end, out);
  return error == std::errc{} && rest == end ? std::optional{out} : std::nullopt;
}

/// The bit of a value; 0 for a value that the field does not have.
std::uint64_t bit(unsigned value) {
  return std::uint64_t{1} << value;
}

class field_reader {
public:
  field_reader(const field_kind& kind, std::string_view text) : kind_{kind}, text_{text} {}

  /// The values of the whole field, or nothing; then `why` tells.
  std::optional<std::uint64_t> read() {
    std::uint64_t out = 0;
    for (auto item : split(text_, ',')) {
      auto values = read_item(item);
      if (!values)
        return std::nullopt;
      out |= *values;
    }
    return out;
  }

  const std::string& why() const { return why_; }

private:
  std::optional<std::uint64_t> read_item(std::string_view item) {
    auto slash = item.find('/');
    auto range = item.substr(0, slash);
    auto dash = range.find('-');
    auto all = range == "*";
    std::optional<unsigned> low = kind_.min;
    std::optional<unsigned> high = kind_.max;
    if (!all) {
      low = value(range.substr(0, dash));
      high = dash == std::string_view::npos ? low : value(range.substr(dash + 1));
    }
    if (!low || !high)
      return std::nullopt;
    // Sunday is also the seventh day, so that fri-sun is a range.
    if (*high == 0 && *low > 0 && &kind_ == &field_kinds[weekday_field])
      high = 7;
    if (*low > *high)
      return fail("the range '" + std::string{range}
                  + "' runs backwards: split it in two, parted by a comma");
    std::optional<unsigned> step = 1;
    if (slash != std::string_view::npos) {
      if (!all && dash == std::string_view::npos)
        return fail("a step needs a range: write '" + std::string{range} + "-" + std::to_string(kind_.max)
                    + std::string{item.substr(slash)} + "'");
      auto most = kind_.max - kind_.min + 1;
      step = number(item.substr(slash + 1));
      if (!step || *step == 0 || *step > most)
        return fail("the step in '" + std::string{item} + "' has to be a number from 1 to "
                    + std::to_string(most));
    }
    std::uint64_t out = 0;
    for (auto i = *low; i <= *high; i += *step)
      out |= bit(i);
    return out;
  }

  std::optional<unsigned> value(std::string_view text) {
    auto name = lower(text);
    for (std::size_t i = 0; i < kind_.names.size(); ++i)
      if (kind_.names[i] == name)
        return kind_.min + static_cast<unsigned>(i);
    auto x = number(text);
    if (x && *x >= kind_.min && *x <= kind_.max)
      return x;
    fail("'" + std::string{text} + "' is not one of " + std::string{kind_.expected});
    return std::nullopt;
  }

  std::optional<std::uint64_t> fail(std::string why) {
    why_ = std::move(why);
    return std::nullopt;
  }

  const field_kind& kind_;
  std::string_view text_;
  std::string why_;
};

/// The smallest value ≥ `from`, if there is one.
std::optional<unsigned> next_value(std::uint64_t set, unsigned from) {
  set = from > 63 ? 0 : set >> from << from;
  return set == 0 ? std::nullopt : std::optional{static_cast<unsigned>(std::countr_zero(set))};
}

/// The greatest value ≤ `from`, if there is one.
std::optional<unsigned> last_value(std::uint64_t set, unsigned from) {
  set = from >= 63 ? set : set & (bit(from + 1) - 1);
  return set == 0 ? std::nullopt : std::optional{63 - static_cast<unsigned>(std::countl_zero(set))};
}

bool holds(std::uint64_t set, unsigned value) {
  return (set & bit(value)) != 0;
}

unsigned month_of(local_days day) {
  return static_cast<unsigned>(std::chrono::year_month_day{day}.month());
}

local_days month_begin(local_days day) {
  const std::chrono::year_month_day date{day};
  return local_days{date.year() / date.month() / 1};
}

local_days next_month_begin(local_days day) {
  const std::chrono::year_month_day date{day};
  return local_days{(date.year() / date.month() + std::chrono::months{1}) / 1};
}

local_time clock(local_days day, unsigned hour, unsigned minute) {
  return day + minutes{hour * 60 + minute};
}

} // namespace

cron_rule::cron_rule(std::string text, const fields& set) : text_{std::move(text)}, set_{set} {}

result<cron_rule> cron_rule::parse(std::string_view text) {
  auto expression = text;
  auto parts = words(text);
  if (parts.size() == 1)
    for (auto& [nickname, meaning] : nicknames)
      if (nickname == lower(parts[0]))
        expression = meaning;
  fields set;
  if (auto error = read(expression, set)) {
    error->reason = "schedule '" + one_line(text, 80) + "': " + error->reason;
    return *std::move(error);
  }
  return cron_rule{std::string{text}, set};
}

std::optional<failure> cron_rule::read(std::string_view text, fields& into) {
  auto refuse = [](std::string why) { return failure{failure_class::permanent, std::move(why)}; };
  auto parts = words(text);
  if (parts.size() == 1 && parts[0].starts_with('@'))
    return refuse("unknown nickname; use @hourly, @daily, @weekly, @monthly, @yearly or five fields");
  if (parts.size() != field_kinds.size())
    return refuse("five fields are expected (minute, hour, day of month, month, day of week), there are "
                  + std::to_string(parts.size()));
  const std::array<std::uint64_t*, 5> sets{&into.minutes, &into.hours, &into.days, &into.months,
                                           &into.weekdays};
  for (std::size_t i = 0; i < field_kinds.size(); ++i) {
    field_reader reader{field_kinds[i], parts[i]};
    auto values = reader.read();
    if (!values)
      return refuse(std::string{field_kinds[i].name} + ": " + one_line(reader.why(), 200));
    *sets[i] = *values;
  }
  // Day 7 is Sunday too.
  into.weekdays = (into.weekdays | (into.weekdays >> 7)) & 0x7FU;
  into.either_day = !parts[2].starts_with('*') && !parts[4].starts_with('*');
  if (!ever_fits(into))
    return refuse("day of month: no month that it names has such a day");
  return std::nullopt;
}

bool cron_rule::ever_fits(const fields& x) {
  if (x.either_day)
    return true;
  static constexpr std::array<unsigned, 13> longest{0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  auto first_day = next_value(x.days, 0).value_or(32);
  for (unsigned month = 1; month <= 12; ++month)
    if (holds(x.months, month) && first_day <= longest[month])
      return true;
  return false;
}

bool cron_rule::fits(local_days day) const {
  const std::chrono::year_month_day date{day};
  auto by_date = holds(set_.days, static_cast<unsigned>(date.day()));
  auto by_weekday = holds(set_.weekdays, std::chrono::weekday{day}.c_encoding());
  return set_.either_day ? by_date || by_weekday : by_date && by_weekday;
}

// Some day within the next 40 years fits every rule that `parse` lets pass: the rarest one is 29 February on
// a given day of the week.
local_time cron_rule::next_from(local_time x) const {
  auto day = std::chrono::floor<days>(x);
  auto from = civil(x);
  for (;;) {
    if (!holds(set_.months, month_of(day))) {
      day = next_month_begin(day);
      from = {};
      continue;
    }
    if (fits(day)) {
      auto hour = next_value(set_.hours, from.hour);
      auto minute = next_value(set_.minutes, hour == from.hour ? from.minute : 0);
      if (hour && !minute) {
        hour = next_value(set_.hours, *hour + 1);
        minute = next_value(set_.minutes, 0);
      }
      if (hour && minute)
        return clock(day, *hour, *minute);
    }
    day += days{1};
    from = {};
  }
}

local_time cron_rule::last_until(local_time x) const {
  static constexpr auto end_of_day = civil_time{.hour = 23, .minute = 59};
  auto day = std::chrono::floor<days>(x);
  auto from = civil(x);
  for (;;) {
    if (!holds(set_.months, month_of(day))) {
      day = month_begin(day) - days{1};
      from = end_of_day;
      continue;
    }
    if (fits(day)) {
      auto hour = last_value(set_.hours, from.hour);
      auto minute = last_value(set_.minutes, hour == from.hour ? from.minute : 59);
      if (hour && !minute) {
        hour = *hour == 0 ? std::nullopt : last_value(set_.hours, *hour - 1);
        minute = last_value(set_.minutes, 59);
      }
      if (hour && minute)
        return clock(day, *hour, *minute);
    }
    day -= days{1};
    from = end_of_day;
  }
}

timestamp next_after(const cron_rule& rule, const time_zone& zone, timestamp t) {
  auto shown = std::chrono::floor<minutes>(zone.latest_local(t));
  return zone.first_instant(rule.next_from(shown + minutes{1}));
}

timestamp last_at_or_before(const cron_rule& rule, const time_zone& zone, timestamp t) {
  return zone.first_instant(rule.last_until(std::chrono::floor<minutes>(zone.latest_local(t))));
}

} // namespace herald
