// From rows to a mail: pure, so that a mail can be shown, tested and rendered again.
#pragma once

#include "core/email/settings.hpp"
#include "core/email/templates.hpp"
#include "messages/context.hpp"
#include "messages/email.hpp"
#include "messages/failure.hpp"
#include "messages/time.hpp"

namespace herald {

/// The mail of one row, or of the several rows of a digest (of which a single one is rendered as its own
/// mail). Whatever rows and profile hold, the mail is harmless: texts are escaped and bounded, links lead to
/// the web application, subject and headers are single lines.
///
/// A recipient without exactly one valid address is a permanent failure; settings or templates that cannot
/// work are an outage, since no mail is at fault.
result<email_message> render_email(const email_mail& mail, const profile& to,
                                   const email_templates& templates, const email_settings& settings,
                                   timestamp now);

/// Renders every kind of mail and the digest with sample data: what is wrong with templates or settings, found
/// at start-up.
result<void> check_templates(const email_templates& templates, const email_settings& settings);

} // namespace herald
