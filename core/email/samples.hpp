// Sample mails, for previews and for checking templates.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "messages/context.hpp"
#include "messages/email.hpp"
#include "messages/time.hpp"

namespace herald {

/// The event types with their own kind of mail, `generic`, and `digest`.
std::vector<std::string> sample_names();

/// A mail of one of them; any other event type gives a generic mail of that type. The digest has several
/// projects, and more items of one event type than the default settings show.
email_mail sample_mail(std::string_view name);

profile sample_profile();

/// When the samples happen: 20 January 2026, 20:00 UTC.
timestamp sample_time();

} // namespace herald
