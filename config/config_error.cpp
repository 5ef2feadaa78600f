#include "config/config_error.hpp"

#include "actors/log_line.hpp"

namespace herald {

namespace {

std::string position_of(const config_error& x) {
  auto out = x.source;
  if (x.line > 0)
    out += ":" + std::to_string(x.line);
  if (x.column > 0)
    out += ":" + std::to_string(x.column);
  return out;
}

std::string place_of(const config_error& x) {
  if (x.variable.empty())
    return position_of(x);
  return "environment variable " + x.variable + (x.source.empty() ? "" : " (" + position_of(x) + ")");
}

} // namespace

std::string to_string(const config_error& x) {
  auto out = place_of(x) + ": ";
  if (!x.pointer.empty())
    out += x.pointer + ": ";
  out += "expected " + x.expected;
  if (!x.found.empty())
    out += ", found " + x.found;
  if (!x.hint.empty())
    out += "; " + x.hint;
  return escape_log_text(out);
}

std::string to_string(const config_errors& xs) {
  std::string out;
  for (const auto& x : xs)
    out.append(out.empty() ? "" : "\n").append(to_string(x));
  return out;
}

} // namespace herald
