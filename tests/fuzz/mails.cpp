// Rows to mails: whatever a row and a profile hold, the mail has the templates' tags alone, links that lead to the web
// application, and headers that are single lines.
#include <algorithm>
#include <set>
#include <string>

#include <nlohmann/json.hpp>

#include "core/email/addresses.hpp"
#include "core/email/default_templates.hpp"
#include "core/email/kinds.hpp"
#include "core/email/render.hpp"
#include "core/email/request_body.hpp"
#include "core/text.hpp"
#include "tests/fuzz/html.hpp"
#include "tests/fuzz/target.hpp"

namespace herald {
namespace {

using fuzz::has_control_character;
using fuzz::require;

const email_templates& templates() {
  static const auto out = email_templates::load().value();
  return out;
}

const std::set<std::string>& known_tags() {
  static const auto known = [] {
    auto out = fuzz::markdown_tags();
    for (const auto& [name, text] : default_templates())
      if (name.ends_with(".html"))
        for (auto& tag : fuzz::tags_in(text))
          out.insert(tag);
    return out;
  }();
  return known;
}

std::string some_type(fuzz::choices& pick, std::string_view other) {
  auto kinds = email_kinds();
  auto n = pick.below(kinds.size() + 1);
  return std::string{n == kinds.size() ? other : kinds[n].event_type};
}

email_row some_row(fuzz::choices& pick, fuzz::input& in, std::int64_t n) {
  email_row out;
  out.id = n;
  out.event_id = n;
  out.subject = in.next();
  out.event_type = some_type(pick, out.subject);
  out.project_name = in.next();
  if (!pick.flag()) {
    out.project_id.emplace();
    out.project_id->data[15] = static_cast<std::uint8_t>(pick.below(3));
  }
  out.body_data = in.next();
  out.created_at = from_epoch_ms(1'768'919'400'000);
  return out;
}

email_mail some_mail(fuzz::choices& pick, fuzz::input& in) {
  constexpr std::size_t most_rows = 12;
  email_mail out;
  out.id = 7;
  do {
    out.rows.push_back(some_row(pick, in, static_cast<std::int64_t>(out.rows.size() + 1)));
  } while (!in.empty() && out.rows.size() < most_rows);
  if (out.rows.size() > 1)
    out.lane = email_lane::digest;
  return out;
}

void expect_line(const std::string& text, std::string_view what) {
  require(!text.empty() && !has_control_character(text) && !invalid_utf8_at(text), what, text);
}

void expect_known_tags(const std::string& html) {
  for (auto& tag : fuzz::tags_in(html))
    require(known_tags().contains(tag), "a mail has the templates' tags alone", tag);
}

void expect_links_home(const std::string& html) {
  for (auto link : fuzz::links_in(html))
    require(link == "https://capmatch.com" || link.starts_with("https://capmatch.com/"),
            "links lead to the web application", link);
}

void expect_sound(const email_message& x) {
  expect_line(x.subject, "a subject is a line");
  require(!why_no_address(x.to), "a mail has one recipient", x.to);
  for (auto& [name, value] : x.headers)
    expect_line(value, "a header is a line");
  auto is_tag_character = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  for (auto& [name, value] : x.tags)
    require(!value.empty() && value.size() <= 256 && std::ranges::all_of(value, is_tag_character),
            "a tag is one", value);
  require(!invalid_utf8_at(x.html) && !invalid_utf8_at(x.text), "a mail is UTF-8");
  expect_known_tags(x.html);
  expect_links_home(x.html);
  require(nlohmann::json::accept(single_body(x)), "a request is JSON");
}

} // namespace
} // namespace herald

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace herald;
  fuzz::input in{data, size};
  fuzz::choices pick{in.line()};
  profile to;
  to.full_name = in.line();
  to.email = in.line();
  auto mail = some_mail(pick, in);
  auto now = from_epoch_ms(1'768'939'200'000);
  if (auto out = render_email(mail, to, templates(), email_settings{}, now))
    expect_sound(*out);
  else
    fuzz::require(out.error().kind == failure_class::permanent
                      && !fuzz::has_control_character(out.error().reason),
                  "only the recipient's address fails a mail", out.error().reason);
  return 0;
}
