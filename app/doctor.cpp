// herald doctor: gathers facts, has them judged, prints the verdicts.
#include "core/doctor.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "adapters/mail/resend_domains.hpp"
#include "adapters/store/postgres/examine.hpp"
#include "adapters/store/postgres/migration.hpp"
#include "adapters/store/sqlite/examine.hpp"
#include "adapters/store/supabase/examine.hpp"
#include "app/command_output.hpp"
#include "app/commands.hpp"
#include "app/mail_setup.hpp"
#include "app/terminal_text.hpp"
#include "core/payload.hpp"

namespace herald {

namespace {

constexpr std::size_t max_reason = 500;

// -- gathering ----------------------------------------------------------------------------------------------

/// The domain of `address` or `Name <address>`, in lower case.
std::string domain_of(const std::string& mailbox) {
  auto out = mailbox.substr(mailbox.rfind('@') + 1);
  out = out.substr(0, out.find('>'));
  std::ranges::transform(out, out.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

sender_facts ask_sender(const configuration& cfg) {
  sender_facts out;
  out.domain = domain_of(cfg.email.look.from);
  if (!cfg.email.enabled)
    out.why = "e-mail is switched off";
  else if (cfg.resend.api_key.empty())
    out.why = "there is no API key to ask with";
  else if (captures_mail(cfg))
    out.why = "mails are captured, not sent";
  else
    return ask_resend_about(out.domain, cfg.resend);
  return out;
}

std::vector<key_facts> keys_of(const configuration& cfg) {
  // With the embedded store, mails without a key are captured by intention; with others Herald does not start.
  auto needed =
      cfg.email.enabled
      && (cfg.email.transport == mail_transport_kind::resend
          || (cfg.email.transport == mail_transport_kind::automatic && cfg.store.kind != store_kind::sqlite));
  std::vector<key_facts> out;
  out.push_back({"RESEND_API_KEY", !cfg.resend.api_key.empty(), needed,
                 needed ? "mails cannot be sent" : "mails are not sent but captured, or stay queued"});
  if (cfg.store.kind == store_kind::postgres)
    out.push_back({"DATABASE_URL", !cfg.store.postgres.url.empty(), true, "the store cannot be reached"});
  if (cfg.store.kind == store_kind::supabase)
    out.push_back({"SUPABASE_SERVICE_ROLE_KEY", !cfg.store.supabase.service_role_key.empty(), true,
                   "the store cannot be reached"});
  return out;
}

doctor_facts gather(const configuration& cfg, const clock& time) {
  doctor_facts out;
  out.lease = cfg.poller.lease;
  switch (cfg.store.kind) {
  case store_kind::sqlite:
    out.store = doctor_store::sqlite;
    examine_sqlite(cfg.store.sqlite, time, cfg.poller.max_event_age, out);
    break;
  case store_kind::postgres:
    out.store = doctor_store::postgres;
    examine_postgres(cfg.store.postgres, time, cfg.poller.lease, cfg.poller.max_event_age, out);
    break;
  case store_kind::supabase:
    out.store = doctor_store::supabase;
    out.wanted_version = postgres::schema_version;
    examine_supabase(cfg.store.supabase, wanted_in_database(cfg.poller.lease, cfg.poller.max_event_age), time,
                     out);
    break;
  }
  out.keys = keys_of(cfg);
  out.sender = ask_sender(cfg);
  if (auto usable = check_mail(cfg); !usable)
    out.mail_error = usable.error().reason;
  return out;
}

// -- printing -----------------------------------------------------------------------------------------------

std::size_t count(const std::vector<health_check>& checks, verdict x) {
  return static_cast<std::size_t>(std::ranges::count(checks, x, &health_check::outcome));
}

std::string checks_text(const std::vector<health_check>& checks) {
  std::size_t widest = 0;
  for (auto& x : checks)
    widest = std::max(widest, characters(x.name));
  std::string out;
  for (auto& x : checks) {
    out += fmt::format("{}  {}  {}\n", pad_right(std::string{to_string(x.outcome)}, 7),
                       pad_right(x.name, widest), printable(x.reason, max_reason));
    if (!x.remedy.empty())
      out += fmt::format("{}  -> {}\n", pad_right("", 7 + 2 + widest), printable(x.remedy, max_reason));
  }
  return out
         + fmt::format("{} ok, {} warnings, {} failed, {} skipped\n", count(checks, verdict::ok),
                       count(checks, verdict::warning), count(checks, verdict::failed),
                       count(checks, verdict::skipped));
}

/// {"verdict", "ok", "warning", "failed", "skipped": how many, "checks": [{"name", "verdict", "reason", "remedy"}]}
std::string checks_json(const std::vector<health_check>& checks) {
  std::vector<json_object> list;
  for (auto& x : checks) {
    json_object entry;
    entry.set("name", x.name)
        .set("verdict", to_string(x.outcome))
        .set("reason", x.reason)
        .set("remedy", x.remedy);
    list.push_back(std::move(entry));
  }
  json_object out;
  out.set("verdict", to_string(overall(checks))).set("checks", list);
  for (auto x : std::array{verdict::ok, verdict::warning, verdict::failed, verdict::skipped})
    out.set(to_string(x), static_cast<std::int64_t>(count(checks, x)));
  return out.str();
}

} // namespace

int examine(const configuration& cfg, const clock& time, bool json) {
  auto checks = judge(gather(cfg, time));
  print_line(json ? checks_json(checks) : checks_text(checks));
  return overall(checks) == verdict::failed ? exit_code::failed : exit_code::ok;
}

} // namespace herald
