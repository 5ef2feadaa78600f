#include "core/email/settings.hpp"

#include <string_view>

#include "core/email/addresses.hpp"
#include "core/email/safe_text.hpp"
#include "core/time_zone.hpp"

namespace herald {

namespace {

failure wrong(std::string_view setting, std::string_view why) {
  return {failure_class::permanent, "e-mail setting " + std::string{setting} + ": " + std::string{why}};
}

} // namespace

result<void> check(const email_settings& x) {
  if (auto why = why_no_mailbox(x.from))
    return wrong("from", "the sender's address " + std::string{*why});
  if (auto why = why_no_mailbox(x.reply_to); why && !x.reply_to.empty())
    return wrong("reply_to", "the address " + std::string{*why});
  if (auto why = why_no_base_url(x.app_base_url))
    return wrong("app_base_url", "the URL " + std::string{*why});
  if (!is_site_relative(x.preferences_path))
    return wrong("preferences_path", "has to be a path that starts with a single /");
  if (auto zone = time_zone::find(x.time_zone); !zone)
    return wrong("time_zone", zone.error().reason);
  if (x.digest_max_items == 0 || x.digest_max_projects == 0)
    return wrong(x.digest_max_items == 0 ? "digest_max_items" : "digest_max_projects",
                 "has to be at least 1");
  if (safe_line(x.product, 100) != x.product || x.product.empty())
    return wrong("product", "has to be a name of at most 100 characters on one line");
  return {};
}

} // namespace herald
