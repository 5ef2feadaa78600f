// What the operator decides about every mail.
#pragma once

#include <cstdint>
#include <string>

#include "messages/failure.hpp"

namespace herald {

struct email_settings {
  /// Sender: `address` or `Name <address>`.
  std::string from = "notifications@capmatch.com";
  /// Where answers go; empty for the sender.
  std::string reply_to;
  /// The web application; links in mails are joined to it.
  std::string app_base_url = "https://capmatch.com";
  /// Its page where people choose what they get.
  std::string preferences_path = "/settings/notifications";
  /// IANA name of the zone that times are shown in.
  std::string time_zone = "America/Los_Angeles";
  /// How many items of one event type a digest lists per project before it says "and N more"; at least 1.
  std::uint32_t digest_max_items = 10;
  /// How many projects a digest lists before it says "and N more"; at least 1.
  std::uint32_t digest_max_projects = 10;
  /// Name of the web application.
  std::string product = "CapMatch";
};

/// Names the first setting that cannot work.
result<void> check(const email_settings& x);

} // namespace herald
