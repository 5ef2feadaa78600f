// The variables of templates, as JSON: what a recipient, a row and a digest have to say, made safe. Every
// variable is always there, so that a template is right or wrong at start-up, and not with the first odd row.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "core/email/kinds.hpp"
#include "core/email/settings.hpp"
#include "core/email/template_set.hpp"
#include "core/time_zone.hpp"
#include "messages/context.hpp"
#include "messages/email.hpp"
#include "messages/time.hpp"

namespace herald {

inline constexpr std::size_t subject_limit = 200;

/// What all views of one mail are made with.
struct view_context {
  const email_settings& settings;
  const time_zone& zone;
  const template_set& templates;
  timestamp now{};
};

/// Whether a row is a mail of its own or a line of a digest.
enum class row_place : std::uint8_t { own_mail, digest_item };

/// recipient_name, product, app_url, preferences_url, year
nlohmann::json mail_view(const profile&, const view_context&);

/// subject, project_name, url, time, standalone, and what the kind adds: the variables of its sentence.
nlohmann::json row_facts(const email_row&, row_place, const view_context&);

/// row_facts with the sentence as lead and lead_html.
result<nlohmann::json> row_view(const email_row&, row_place, const view_context&);

/// total, many, place, until, url, sections [title, url, groups [label, count, items [row_view],
/// more]], more_sections, more_sections_many, more_updates: the variables of a digest's sentence.
result<nlohmann::json> digest_facts(const email_mail&, const view_context&);

/// digest_facts with the sentence as lead and lead_html.
result<nlohmann::json> digest_view(const email_mail&, const view_context&);

/// JSON converts to too much for `return x;` to say that it is the value of a result.
result<nlohmann::json> as_result(nlohmann::json view);

/// Adds lead and lead_html from a kind's .md template.
result<void> add_lead(nlohmann::json& view, std::string_view kind, const view_context&);

/// `Jan 5, 2026, 6:29 AM PST`: a strftime pattern without its padding.
std::string readable_time(timestamp, const std::string& pattern, const time_zone&);

} // namespace herald
