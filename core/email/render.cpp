#include "core/email/render.hpp"

#include <utility>

#include <nlohmann/json.hpp>

#include "core/email/addresses.hpp"
#include "core/email/kinds.hpp"
#include "core/email/safe_text.hpp"
#include "core/email/samples.hpp"
#include "core/email/views.hpp"

namespace herald {

namespace {

using json = nlohmann::json;

constexpr std::size_t preheader_limit = 140;

/// What stands in the frame.
struct mail_content {
  std::string subject;
  std::string preheader; ///< what a list of mails shows behind the subject
  std::string email_type;
  /// Base name of the templates.
  std::string kind;
  json view;
};

std::string_view trim(std::string_view text) {
  auto first = text.find_first_not_of(" \t\n");
  return first == std::string_view::npos ? std::string_view{}
                                         : text.substr(first, text.find_last_not_of(" \t\n") - first + 1);
}

result<std::string> recipient(const email_mail& mail, const profile& to) {
  auto address = trim(to.email);
  auto why = why_no_address(address);
  if (!why)
    return std::string{address};
  return failure{failure_class::permanent, "profiles.email of user " + to_string(mail.user_id) + " "
                                               + std::string{*why}
                                               + ": correct the profile, then send the mail again"};
}

/// Settings and templates are the operator's; no mail shall die of them.
failure not_the_mails_fault(failure x) {
  return {failure_class::outage, std::move(x.reason)};
}

std::string text_at(const json& view, const char* key) {
  return view.at(key).get<std::string>();
}

result<mail_content> single(const email_row& row, const view_context& c) {
  auto view = row_view(row, row_place::own_mail, c);
  if (!view)
    return view.error();
  mail_content out;
  out.subject = text_at(*view, "subject");
  out.preheader = safe_line(text_at(*view, "lead"), preheader_limit);
  out.email_type = tag_text(row.event_type);
  out.kind = email_kind_for(row.event_type).event_type;
  out.view = std::move(*view);
  return out;
}

/// The first items, as far as there is room.
std::string digest_preheader(const json& view) {
  std::string out;
  for (const auto& section : view.at("sections"))
    for (const auto& group : section.at("groups"))
      for (const auto& item : group.at("items"))
        if (out.size() < preheader_limit)
          out.append(out.empty() ? "" : " ").append(text_at(item, "lead"));
  return safe_line(out, preheader_limit);
}

result<mail_content> digest(const email_mail& mail, const view_context& c) {
  auto view = digest_view(mail, c);
  if (!view)
    return view.error();
  mail_content out;
  out.subject = safe_line(text_at(*view, "lead"), subject_limit);
  out.preheader = digest_preheader(*view);
  out.email_type = "digest";
  out.kind = "digest";
  out.view = std::move(*view);
  return out;
}

/// Without the holes that closed sections leave: never more than one empty line.
std::string tidy(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (auto c : text)
    if (c != '\n' || !out.ends_with("\n\n"))
      out += c;
  return out;
}

/// Puts the content into the frame, as HTML or text.
result<std::string> page(const mail_content& x, const json& frame, std::string_view extension,
                         const char* content, const view_context& c) {
  auto view = x.view;
  view.update(frame);
  auto inner = c.templates.render(std::string{x.kind}.append(extension), view);
  if (!inner)
    return inner.error();
  auto outer = frame;
  outer["subject"] = x.subject;
  outer["preheader"] = x.preheader;
  outer[content] = std::string{trim(*inner)};
  auto whole = c.templates.render(std::string{"layout"}.append(extension), outer);
  return whole ? tidy(*whole) : whole;
}

} // namespace

result<email_message> render_email(const email_mail& mail, const profile& to,
                                   const email_templates& templates, const email_settings& settings,
                                   timestamp now) {
  if (mail.rows.empty())
    return failure{failure_class::permanent, "mail " + std::to_string(mail.id) + " has no rows"};
  auto address = recipient(mail, to);
  if (!address)
    return address.error();
  if (auto sound = check(settings); !sound)
    return not_the_mails_fault(sound.error());
  auto zone = time_zone::find(settings.time_zone);
  if (!zone)
    return not_the_mails_fault(zone.error());
  const view_context c{settings, *zone, templates.set(), now};
  auto content = mail.rows.size() == 1 ? single(mail.rows.front(), c) : digest(mail, c);
  if (!content)
    return not_the_mails_fault(content.error());
  auto frame = mail_view(to, c);
  auto html = page(*content, frame, ".html", "content_html", c);
  auto text = page(*content, frame, ".txt", "content", c);
  if (!html || !text)
    return not_the_mails_fault(!html ? html.error() : text.error());
  email_message out;
  out.from = settings.from;
  out.to = std::move(*address);
  out.subject = content->subject;
  out.html = std::move(*html);
  out.text = std::move(*text);
  out.headers = {{"List-Unsubscribe", "<" + text_at(frame, "preferences_url") + ">"}};
  out.reply_to = settings.reply_to;
  out.tags = {{"email_type", content->email_type}, {"mail_id", std::to_string(mail.id)}};
  return out;
}

result<void> check_templates(const email_templates& templates, const email_settings& settings) {
  for (const auto& name : sample_names())
    if (auto mail = render_email(sample_mail(name), sample_profile(), templates, settings, sample_time());
        !mail)
      return failure{failure_class::permanent, mail.error().reason};
  return {};
}

} // namespace herald
