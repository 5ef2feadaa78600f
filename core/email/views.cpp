#include "core/email/views.hpp"

#include <utility>

#include <nlohmann/json.hpp>

#include "core/email/addresses.hpp"
#include "core/email/markdown_html.hpp"
#include "core/email/safe_text.hpp"
#include "core/text.hpp"

namespace herald {

namespace {

using json = nlohmann::json;

std::string project_of(const email_row& row, const row_fields& fields, std::string_view fallback) {
  auto known = safe_line(row.project_name, name_limit);
  return fields.name("project_name", known.empty() ? fallback : std::string_view{known});
}

} // namespace

std::string readable_time(timestamp x, const std::string& pattern, const time_zone& zone) {
  auto padded = zone.format(x, pattern);
  std::string out;
  for (auto c : padded) {
    auto behind_space = !out.empty() && out.back() == ' ';
    if (behind_space && (c == ' ' || c == '0'))
      continue;
    out += c;
  }
  return out;
}

result<json> as_result(json view) {
  return {boost::system::in_place_value, std::move(view)};
}

json mail_view(const profile& to, const view_context& c) {
  json out;
  out["recipient_name"] = safe_line(to.full_name, name_limit);
  out["product"] = c.settings.product;
  out["app_url"] = absolute_link(c.settings.app_base_url, "");
  out["preferences_url"] = absolute_link(c.settings.app_base_url, c.settings.preferences_path);
  out["year"] = c.zone.format(c.now, "%Y");
  return out;
}

json row_facts(const email_row& row, row_place place, const view_context& c) {
  const auto& kind = email_kind_for(row.event_type);
  const auto own = &kind != &generic_email_kind();
  const row_fields fields{row};
  const auto alone = place == row_place::own_mail;
  auto subject = safe_line(row.subject, subject_limit);
  json out;
  out["subject"] = subject.empty() && !own ? event_type_words(row.event_type) : subject;
  out["project_name"] = project_of(row, fields, own ? "your project" : "");
  out["url"] = absolute_link(c.settings.app_base_url, fields.link());
  out["time"] = readable_time(row.created_at, alone ? "%b %e, %Y, %I:%M %p %Z" : "%b %e, %I:%M %p", c.zone);
  out["standalone"] = alone;
  kind.fill(fields, out);
  return out;
}

result<void> add_lead(json& view, std::string_view kind, const view_context& c) {
  auto sentence = c.templates.render(std::string{kind}.append(".md"), view);
  if (!sentence)
    return sentence.error();
  auto lead = render_markdown_line(*sentence);
  view["lead"] = std::move(lead.text);
  view["lead_html"] = std::move(lead.html);
  return {};
}

result<json> row_view(const email_row& row, row_place place, const view_context& c) {
  auto out = row_facts(row, place, c);
  if (auto done = add_lead(out, email_kind_for(row.event_type).event_type, c); !done)
    return done.error();
  if (auto& subject = out["subject"].get_ref<std::string&>(); subject.empty())
    subject = safe_line(out["lead"].get_ref<const std::string&>(), subject_limit);
  return as_result(std::move(out));
}

} // namespace herald
