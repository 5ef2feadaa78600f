#include "config/option_table.hpp"

#include <algorithm>
#include <type_traits>

#include "config/configuration.hpp"
#include "messages/uuid.hpp"

namespace herald {

namespace {

// -- kinds of rows --------------------------------------------------------------------------------------------
// `field` takes a configuration, const or not, and returns a reference to the member.

constexpr double day_ms = 24.0 * 60 * 60 * 1000;

/// The greatest whole number that every JSON reader keeps exactly.
constexpr double max_exact = 9'007'199'254'740'991;

template <class Field>
option boolean(std::string pointer, Field field, std::string description,
               std::vector<std::string> environment = {}) {
  option out{
      .pointer = std::move(pointer), .type = option_type::boolean, .description = std::move(description)};
  out.environment = std::move(environment);
  out.get = [field](const configuration& cfg) -> option_value { return field(cfg); };
  out.set = [field](configuration& cfg, const option_value& x) {
    field(cfg) = std::get<bool>(x);
    return true;
  };
  return out;
}

template <class Field>
option integer(std::string pointer, Field field, double min, double max, std::string description,
               std::vector<std::string> environment = {}) {
  using type = std::remove_reference_t<decltype(field(std::declval<configuration&>()))>;
  option out{.pointer = std::move(pointer), .type = option_type::integer, .min = min, .max = max};
  out.description = std::move(description);
  out.environment = std::move(environment);
  out.get = [field](const configuration& cfg) -> option_value {
    return static_cast<std::int64_t>(field(cfg));
  };
  out.set = [field](configuration& cfg, const option_value& x) {
    field(cfg) = static_cast<type>(std::get<std::int64_t>(x));
    return true;
  };
  return out;
}

template <class Unit> constexpr const char* unit_name = "milliseconds";
template <> constexpr const char* unit_name<std::chrono::minutes> = "minutes";
template <> constexpr const char* unit_name<std::chrono::hours> = "hours";
template <> constexpr const char* unit_name<std::chrono::days> = "days";

template <class Unit, class Field>
option span(std::string pointer, Field field, double min, double max, std::string description,
            std::vector<std::string> environment = {}) {
  option out{.pointer = std::move(pointer), .type = option_type::integer, .min = min, .max = max};
  out.unit = unit_name<Unit>;
  out.description = std::move(description);
  out.environment = std::move(environment);
  out.get = [field](const configuration& cfg) -> option_value {
    return std::int64_t{std::chrono::duration_cast<Unit>(field(cfg)).count()};
  };
  out.set = [field](configuration& cfg, const option_value& x) {
    field(cfg) = Unit{std::get<std::int64_t>(x)};
    return true;
  };
  return out;
}

template <class Field>
option milliseconds(std::string pointer, Field field, double min, double max, std::string description) {
  return span<duration>(std::move(pointer), field, min, max, std::move(description));
}

template <class Field>
option number(std::string pointer, Field field, double min, double max, std::string description) {
  option out{.pointer = std::move(pointer), .type = option_type::number, .min = min, .max = max};
  out.description = std::move(description);
  out.get = [field](const configuration& cfg) -> option_value { return field(cfg); };
  out.set = [field](configuration& cfg, const option_value& x) {
    field(cfg) = std::get<double>(x);
    return true;
  };
  return out;
}

template <class Field>
option text(std::string pointer, Field field, double min, double max, std::string description,
            std::vector<std::string> environment = {}) {
  option out{.pointer = std::move(pointer), .type = option_type::text, .min = min, .max = max};
  out.description = std::move(description);
  out.environment = std::move(environment);
  out.get = [field](const configuration& cfg) -> option_value { return field(cfg); };
  out.set = [field](configuration& cfg, const option_value& x) {
    field(cfg) = std::get<std::string>(x);
    return true;
  };
  return out;
}

/// A secret: never shown, empty for none.
template <class Field>
option hidden_text(std::string pointer, Field field, double max, std::string description,
                   std::vector<std::string> environment) {
  option out{.pointer = std::move(pointer), .type = option_type::text, .min = 0, .max = max, .hidden = true};
  out.description = std::move(description);
  out.environment = std::move(environment);
  out.get = [field](const configuration& cfg) -> option_value { return std::string{field(cfg).reveal()}; };
  out.set = [field](configuration& cfg, const option_value& x) {
    field(cfg) = secret{std::get<std::string>(x)};
    return true;
  };
  return out;
}

/// The names of an enumeration's values.
template <class Enum> using names_of = std::vector<std::pair<Enum, std::string>>;

bool equal_ignoring_case(const std::string& x, const std::string& y) {
  auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::equal(x.begin(), x.end(), y.begin(), y.end(),
                    [&](char a, char b) { return lower(a) == lower(b); });
}

template <class Enum, class Field>
option choice(std::string pointer, Field field, names_of<Enum> names, std::string description,
              std::vector<std::string> environment = {}) {
  option out{
      .pointer = std::move(pointer), .type = option_type::choice, .description = std::move(description)};
  out.environment = std::move(environment);
  for (const auto& [value, name] : names)
    out.choices.push_back(name);
  out.get = [field, names](const configuration& cfg) -> option_value {
    auto row = std::find_if(names.begin(), names.end(), [&](const auto& x) { return x.first == field(cfg); });
    return row == names.end() ? std::string{} : row->second;
  };
  out.set = [field, names](configuration& cfg, const option_value& x) {
    const auto& wanted = std::get<std::string>(x);
    auto row = std::find_if(names.begin(), names.end(),
                            [&](const auto& n) { return equal_ignoring_case(n.second, wanted); });
    if (row == names.end())
      return false;
    field(cfg) = row->first;
    return true;
  };
  return out;
}

template <class Field> option id_list(std::string pointer, Field field, std::string description) {
  option out{
      .pointer = std::move(pointer), .type = option_type::id_list, .description = std::move(description)};
  out.get = [field](const configuration& cfg) -> option_value {
    std::vector<std::string> ids;
    for (const auto& id : field(cfg))
      ids.push_back(to_string(id));
    std::sort(ids.begin(), ids.end());
    return ids;
  };
  out.set = [field](configuration& cfg, const option_value& x) {
    std::remove_reference_t<decltype(field(cfg))> ids;
    for (const auto& entry : std::get<std::vector<std::string>>(x)) {
      auto id = parse_uuid(entry);
      if (!id)
        return false;
      ids.insert(*id);
    }
    field(cfg) = std::move(ids);
    return true;
  };
  return out;
}

// -- the rows -----------------------------------------------------------------------------------------------

using rows = std::vector<option>;

void add_daemon(rows& out) {
  out.push_back(boolean("/dry_run", [](auto& c) -> auto& { return c.dry_run; },
                        "Read and plan, write and send nothing, and say what would have been done.",
                        {"DRY_RUN"}));
  out.push_back(text(
      "/daemon/worker_id", [](auto& c) -> auto& { return c.daemon.worker_id; }, 0, 200,
      "Names this daemon in claims, unique among all replicas; empty for host name and process id."));
  out.push_back(milliseconds(
      "/daemon/drain_deadline_ms", [](auto& c) -> auto& { return c.daemon.drain_deadline; }, 0, 3'600'000,
      "How long a shutdown may take to finish or release what is in flight."));
  out.push_back(integer(
      "/daemon/scheduler_threads", [](auto& c) -> auto& { return c.daemon.scheduler_threads; }, 1, 64,
      "Threads of the actor scheduler."));
  out.push_back(integer(
      "/daemon/seed", [](auto& c) -> auto& { return c.daemon.seed; }, 0, max_exact,
      "Where the jitter of back-offs starts from; the same seed gives the same delays."));
}

void add_store(rows& out) {
  out.push_back(choice<store_kind>("/store/kind", [](auto& c) -> auto& { return c.store.kind; },
                                   {{store_kind::sqlite, "sqlite"},
                                    {store_kind::postgres, "postgres"},
                                    {store_kind::supabase, "supabase"}},
                                   "Where events, notifications and queued e-mails live.", {"HERALD_STORE"}));
  out.push_back(boolean(
      "/store/listen", [](auto& c) -> auto& { return c.store.listen; },
      "Ask the database to wake Herald (LISTEN), which finds new work within milliseconds."));
  out.push_back(milliseconds(
      "/store/look_every_ms", [](auto& c) -> auto& { return c.store.look_every; }, 50, 3'600'000,
      "How often Herald looks for new work in a store that cannot wake it."));
  out.push_back(text("/store/sqlite/path", [](auto& c) -> auto& { return c.store.sqlite.path; }, 1, 4'096,
                     "The database file, or `:memory:` for a database that ends with the daemon.",
                     {"HERALD_DATABASE"}));
  out.push_back(milliseconds(
      "/store/sqlite/busy_timeout_ms", [](auto& c) -> auto& { return c.store.sqlite.busy_timeout; }, 0,
      600'000, "How long to wait for another process's lock before the call fails as an outage."));
  out.push_back(choice<sqlite_durability>(
      "/store/sqlite/durability", [](auto& c) -> auto& { return c.store.sqlite.durability; },
      {{sqlite_durability::full, "full"}, {sqlite_durability::normal, "normal"}},
      "`full`: every commit survives a power cut; `normal`: the last ones may be undone by one, never "
      "torn."));
  out.push_back(boolean(
      "/store/sqlite/create", [](auto& c) -> auto& { return c.store.sqlite.create; },
      "Create the file and its schema when there is none."));
}

void add_postgres(rows& out) {
  out.push_back(
      hidden_text("/store/postgres/url", [](auto& c) -> auto& { return c.store.postgres.url; }, 4'096,
                  "postgresql://USER:PASSWORD@HOST:PORT/DATABASE or what else libpq takes; better kept in "
                  "the environment than in a file; without sslmode a server on another machine has to "
                  "show a certificate that the system trusts (verify-full).",
                  {"DATABASE_URL"}));
  out.push_back(milliseconds(
      "/store/postgres/connect_timeout_ms", [](auto& c) -> auto& { return c.store.postgres.connect_timeout; },
      2'000, 600'000, "For each host that is tried, in whole seconds."));
  out.push_back(milliseconds(
      "/store/postgres/statement_timeout_ms",
      [](auto& c) -> auto& { return c.store.postgres.statement_timeout; }, 100, 3'600'000,
      "The server ends a statement after this long; behind a pooler its own setting holds."));
  out.push_back(milliseconds(
      "/store/postgres/answer_timeout_ms", [](auto& c) -> auto& { return c.store.postgres.answer_timeout; },
      200, 3'600'000,
      "A server that says nothing for this long is given up: more than it takes to end a statement."));
}

void add_supabase(rows& out) {
  out.push_back(text("/store/supabase/url", [](auto& c) -> auto& { return c.store.supabase.url; }, 0, 2'000,
                     "The project's address, https://PROJECT.supabase.co; plain http only on this machine.",
                     {"SUPABASE_URL"}));
  out.push_back(hidden_text("/store/supabase/service_role_key",
                            [](auto& c) -> auto& { return c.store.supabase.service_role_key; }, 4'096,
                            "A secret key (sb_secret_…) or the legacy service_role key; better kept in the "
                            "environment than in a file.",
                            {"SUPABASE_SERVICE_ROLE_KEY"}));
  out.push_back(milliseconds(
      "/store/supabase/connect_timeout_ms", [](auto& c) -> auto& { return c.store.supabase.connect_timeout; },
      1, 600'000, "For name resolution, connection and TLS together."));
  out.push_back(milliseconds(
      "/store/supabase/answer_timeout_ms", [](auto& c) -> auto& { return c.store.supabase.answer_timeout; },
      1, 3'600'000,
      "For one call as a whole: longer than the database gives a statement, 8 seconds on Supabase."));
  out.push_back(integer(
      "/store/supabase/max_response_bytes",
      [](auto& c) -> auto& { return c.store.supabase.max_response_bytes; }, 65'536, 1'073'741'824,
      "Larger answers are refused; a claim comes with all that its handlers need to know."));
  out.push_back(text(
      "/store/supabase/ca_file", [](auto& c) -> auto& { return c.store.supabase.ca_file; }, 0, 4'096,
      "PEM file with certificate authorities to trust besides the system's; empty for none."));
}

void add_poller(rows& out) {
  out.push_back(boolean("/poller/dry_run", [](auto& c) -> auto& { return c.poller.dry_run; },
                        "The same for the fan-out alone: e-mails that are queued already go out.",
                        {"NOTIFY_FANOUT_DRY_RUN"}));
  out.push_back(integer("/poller/batch_size", [](auto& c) -> auto& { return c.poller.batch_size; }, 1, 10'000,
                        "Events per claim.", {"NOTIFY_FANOUT_BATCH_SIZE"}));
  out.push_back(milliseconds(
      "/poller/poll_min_ms", [](auto& c) -> auto& { return c.poller.poll_min; }, 1, 3'600'000,
      "Pause after the first empty claim; doubles with each further one."));
  out.push_back(milliseconds(
      "/poller/poll_max_ms", [](auto& c) -> auto& { return c.poller.poll_max; }, 1, 3'600'000,
      "Longest pause of an idle poller; a wake-up ends it at once."));
  out.push_back(milliseconds(
      "/poller/lease_ms", [](auto& c) -> auto& { return c.poller.lease; }, 1'000, day_ms,
      "How long a claim holds without renewal; a crashed worker's events are claimable again after this."));
  out.push_back(span<std::chrono::hours>("/poller/max_event_age_hours",
                                         [](auto& c) -> auto& { return c.poller.max_event_age; }, 1, 87'600,
                                         "Events older than this are set aside as expired, and counted.",
                                         {"NOTIFY_FANOUT_MAX_EVENT_AGE_HOURS"}));
}

void add_writer(rows& out) {
  out.push_back(integer(
      "/writer/max_in_flight", [](auto& c) -> auto& { return c.writer.max_in_flight; }, 1, 100'000,
      "Events that may be claimed and not yet settled: the bound on Herald's memory."));
  out.push_back(integer(
      "/writer/commit_batch", [](auto& c) -> auto& { return c.writer.commit_batch; }, 1, 100'000,
      "Events after which the buffer is committed at once."));
  out.push_back(integer(
      "/writer/max_commits", [](auto& c) -> auto& { return c.writer.max_commits; }, 1, 64,
      "Commits that may be under way at once; each keeps one of gate.workers busy."));
  out.push_back(milliseconds(
      "/writer/commit_delay_ms", [](auto& c) -> auto& { return c.writer.commit_delay; }, 0, 60'000,
      "How long the first plan in the buffer may wait for company."));
  out.push_back(milliseconds(
      "/writer/outage_backoff_min_ms", [](auto& c) -> auto& { return c.writer.outage_backoff_min; }, 1,
      3'600'000, "Pause before a commit that met an outage is tried again; doubles with each further one."));
  out.push_back(milliseconds(
      "/writer/outage_backoff_max_ms", [](auto& c) -> auto& { return c.writer.outage_backoff_max; }, 1,
      3'600'000, "Longest pause between two tries of a commit."));
}

void add_retries(rows& out) {
  out.push_back(integer(
      "/writer/retries/max_attempts", [](auto& c) -> auto& { return c.writer.retries.max_attempts; }, 1,
      1'000, "Counted failures after which an event is dead."));
  out.push_back(integer(
      "/writer/retries/max_crashes", [](auto& c) -> auto& { return c.writer.retries.max_crashes; }, 1, 1'000,
      "Crashes of its handler after which an event is quarantined."));
  out.push_back(milliseconds(
      "/writer/retries/backoff_min_ms", [](auto& c) -> auto& { return c.writer.retries.backoff_min; }, 1,
      7 * day_ms, "Delay after the first failure; doubles with each further one."));
  out.push_back(milliseconds(
      "/writer/retries/backoff_max_ms", [](auto& c) -> auto& { return c.writer.retries.backoff_max; }, 1,
      7 * day_ms, "Longest delay, before jitter."));
  out.push_back(number(
      "/writer/retries/jitter", [](auto& c) -> auto& { return c.writer.retries.jitter; }, 0, 1,
      "Share of the delay that is random, so that many failures do not come back at once."));
}

void add_gate(rows& out) {
  out.push_back(integer(
      "/gate/workers", [](auto& c) -> auto& { return c.gate.workers; }, 1, 64,
      "Threads with a store connection each; the embedded store has one writer and always gets one."));
  out.push_back(integer(
      "/gate/max_queue", [](auto& c) -> auto& { return c.gate.max_queue; }, 1, 1'000'000,
      "Requests that may wait for a worker; beyond that callers are told to come back."));
  out.push_back(milliseconds(
      "/gate/call_timeout_ms", [](auto& c) -> auto& { return c.gate.call_timeout; }, 1, 3'600'000,
      "How long one store call may take before its caller hears of an outage."));
}

void add_handlers(rows& out) {
  out.push_back(id_list(
      "/handlers/system_accounts", [](auto& c) -> auto& { return c.handlers.system_accounts; },
      "Accounts that are never notified, besides the nil UUID."));
}

void add_email(rows& out) {
  out.push_back(boolean(
      "/email/enabled", [](auto& c) -> auto& { return c.email.enabled; },
      "Send e-mails; off leaves them queued."));
  out.push_back(boolean("/email/dry_run", [](auto& c) -> auto& { return c.email.batcher.dry_run; },
                        "Claim and send no e-mail, and say what would have been sent.",
                        {"EMAIL_NOTIFICATIONS_DRY_RUN"}));
  out.push_back(choice<mail_transport_kind>(
      "/email/transport", [](auto& c) -> auto& { return c.email.transport; },
      {{mail_transport_kind::automatic, "automatic"},
       {mail_transport_kind::resend, "resend"},
       {mail_transport_kind::capture, "capture"}},
      "`resend` sends; `capture` stores mails as files (and in the embedded database) instead; `automatic` "
      "sends when there is an API key, and else captures with the embedded store and refuses to start with "
      "others."));
  out.push_back(text(
      "/email/capture_dir", [](auto& c) -> auto& { return c.email.capture_dir; }, 1, 4'096,
      "Where captured mails go, one .eml file each."));
  out.push_back(text(
      "/email/templates_dir", [](auto& c) -> auto& { return c.email.templates_dir; }, 0, 4'096,
      "Files here replace built-in templates of the same name; empty for none."));
  out.push_back(text("/email/from", [](auto& c) -> auto& { return c.email.look.from; }, 1, 320,
                     "Sender: an address, or `Name <address>`, of a domain that the provider has verified.",
                     {"EMAIL_FROM"}));
  out.push_back(text(
      "/email/reply_to", [](auto& c) -> auto& { return c.email.look.reply_to; }, 0, 320,
      "Where answers go; empty for the sender."));
  out.push_back(text("/email/app_base_url", [](auto& c) -> auto& { return c.email.look.app_base_url; }, 1,
                     2'000, "The web application; links in mails are joined to it.", {"APP_BASE_URL"}));
  out.push_back(text(
      "/email/preferences_path", [](auto& c) -> auto& { return c.email.look.preferences_path; }, 1, 2'000,
      "The application's page where people choose what they get."));
  out.push_back(text(
      "/email/product", [](auto& c) -> auto& { return c.email.look.product; }, 1, 100,
      "The application's name in mails."));
  out.push_back(text(
      "/email/time_zone", [](auto& c) -> auto& { return c.email.look.time_zone; }, 1, 100,
      "IANA name of the zone that times in mails are shown in."));
  out.push_back(boolean("/email/test_mode", [](auto& c) -> auto& { return c.email.test_mode; },
                        "Every mail goes to the test recipient.", {"RESEND_TEST_MODE"}));
  out.push_back(text("/email/test_recipient", [](auto& c) -> auto& { return c.email.test_recipient; }, 0, 320,
                     "Who gets all mails in test mode.", {"RESEND_TEST_RECIPIENT"}));
  out.push_back(text("/email/force_to", [](auto& c) -> auto& { return c.email.force_to; }, 0, 320,
                     "Every mail goes here, in test mode or not; empty for the recipients.",
                     {"RESEND_FORCE_TO_EMAIL"}));
  out.push_back(text(
      "/email/digest/rule", [](auto& c) -> auto& { return c.email.batcher.digest_rule; }, 1, 200,
      "When digests go out: a cron rule of five fields, in the digest's time zone."));
  out.push_back(text(
      "/email/digest/time_zone", [](auto& c) -> auto& { return c.email.batcher.digest_zone; }, 1, 100,
      "IANA name of the zone of the digest's rule."));
  out.push_back(integer(
      "/email/digest/max_items", [](auto& c) -> auto& { return c.email.look.digest_max_items; }, 1, 1'000,
      "Items of one event type that a digest lists per project before it says how many more there are."));
  out.push_back(integer(
      "/email/digest/max_projects", [](auto& c) -> auto& { return c.email.look.digest_max_projects; }, 1,
      1'000, "Projects that a digest lists before it says how many more there are."));
}

void add_batcher(rows& out) {
  out.push_back(integer(
      "/email/claim_batch", [](auto& c) -> auto& { return c.email.batcher.claim_batch; }, 1, 10'000,
      "Mails per claim."));
  out.push_back(integer(
      "/email/digest_turn", [](auto& c) -> auto& { return c.email.batcher.digest_turn; }, 1, 1'000,
      "Every how many claims digests come first, while both kinds of mail wait."));
  out.push_back(integer(
      "/email/max_open_envelopes", [](auto& c) -> auto& { return c.email.batcher.max_open_envelopes; }, 1,
      100'000, "Requests of all daemons that may be sealed and unsent; beyond that nothing new is sealed."));
  out.push_back(integer(
      "/email/batch_min", [](auto& c) -> auto& { return c.email.batcher.requests.batch_min; }, 2, 100,
      "Fewer mails than this go in requests of their own, as long as there is room."));
  out.push_back(integer(
      "/email/batch_max", [](auto& c) -> auto& { return c.email.batcher.requests.batch_max; }, 1, 100,
      "Most mails in one request; the provider takes 100."));
  out.push_back(integer(
      "/email/body_max_bytes", [](auto& c) -> auto& { return c.email.batcher.requests.body_max; }, 1'024,
      40'000'000, "Most bytes of one request's body."));
  out.push_back(text(
      "/email/key_prefix", [](auto& c) -> auto& { return c.email.batcher.requests.key_prefix; }, 1, 128,
      "First part of every idempotency key; has to differ between installations that share a provider "
      "account."));
  out.push_back(milliseconds(
      "/email/poll_min_ms", [](auto& c) -> auto& { return c.email.batcher.poll_min; }, 1, 3'600'000,
      "Pause after the first look that found nothing; doubles with each further one."));
  out.push_back(milliseconds(
      "/email/poll_max_ms", [](auto& c) -> auto& { return c.email.batcher.poll_max; }, 1, 3'600'000,
      "Longest pause between looks; a new e-mail ends it at once."));
  out.push_back(milliseconds(
      "/email/lease_ms", [](auto& c) -> auto& { return c.email.batcher.lease; }, 1'000, 86'400'000,
      "How long a claim on a mail or a sealed request holds."));
  out.push_back(span<std::chrono::hours>(
      "/email/body_retention_hours", [](auto& c) -> auto& { return c.email.batcher.body_retention; }, 0,
      87'600,
      "How long the bodies of sent requests are kept, which hold personal data; 0 forgets them at once."));
}

void add_resend(rows& out) {
  out.push_back(hidden_text("/resend/api_key", [](auto& c) -> auto& { return c.resend.api_key; }, 1'000,
                            "The provider's API key, for which sending access is enough; better kept in the "
                            "environment than in a file.",
                            {"RESEND_API_KEY"}));
  out.push_back(text("/resend/base_url", [](auto& c) -> auto& { return c.resend.base_url; }, 1, 2'000,
                     "The provider's API; plain http only on this machine.", {"RESEND_BASE_URL"}));
  out.push_back(text(
      "/resend/ca_file", [](auto& c) -> auto& { return c.resend.ca_file; }, 0, 4'096,
      "PEM file with certificate authorities to trust besides the system's, for a proxy; empty for none."));
  out.push_back(milliseconds(
      "/resend/connect_timeout_ms", [](auto& c) -> auto& { return c.resend.connect_timeout; }, 1, 600'000,
      "For name resolution, connection and TLS together."));
  out.push_back(milliseconds(
      "/resend/request_timeout_ms", [](auto& c) -> auto& { return c.resend.request_timeout; }, 1, 600'000,
      "For one request as a whole."));
  out.push_back(number(
      "/resend/rate_start", [](auto& c) -> auto& { return c.sender.governor.rate_start; }, 0.01, 1'000,
      "Requests per second until the provider has announced its limit."));
  out.push_back(number(
      "/resend/rate_max", [](auto& c) -> auto& { return c.sender.governor.rate_max; }, 0.01, 1'000,
      "Most requests per second, whatever the provider announces."));
  out.push_back(number(
      "/resend/rate_share", [](auto& c) -> auto& { return c.sender.governor.share; }, 0.01, 1,
      "Our part of the announced limit, which all programs of the team share."));
  out.push_back(number(
      "/resend/burst", [](auto& c) -> auto& { return c.sender.governor.burst; }, 1, 1'000,
      "Requests that may start at once after a pause."));
  out.push_back(integer(
      "/resend/max_in_flight", [](auto& c) -> auto& { return c.sender.governor.max_in_flight; }, 1, 64,
      "Requests under way at the same time, each with a connection of its own."));
  out.push_back(integer(
      "/resend/max_waiting", [](auto& c) -> auto& { return c.sender.max_waiting; }, 2, 10'000,
      "Requests that the batcher may have handed over before the first is settled: its credit."));
  out.push_back(integer(
      "/resend/daily_quota", [](auto& c) -> auto& { return c.sender.governor.daily_quota; }, 0, 1'000'000'000,
      "Mails per day (UTC); 0 for no limit."));
  out.push_back(number(
      "/resend/digest_share", [](auto& c) -> auto& { return c.sender.governor.digest_share; }, 0.01, 0.99,
      "The digests' part of the requests while immediate mails wait as well."));
  out.push_back(integer(
      "/resend/outages_to_open", [](auto& c) -> auto& { return c.sender.governor.outages_to_open; }, 1, 1'000,
      "Failures of the provider in a row after which sending pauses."));
  out.push_back(milliseconds(
      "/resend/open_min_ms", [](auto& c) -> auto& { return c.sender.governor.open_min; }, 1, 86'400'000,
      "Length of the first such pause; doubles with each probe that fails."));
  out.push_back(milliseconds(
      "/resend/open_max_ms", [](auto& c) -> auto& { return c.sender.governor.open_max; }, 1, 86'400'000,
      "Longest such pause."));
  out.push_back(milliseconds(
      "/resend/probe_interval_ms", [](auto& c) -> auto& { return c.sender.governor.probe_interval; }, 1'000,
      86'400'000, "While the provider refuses us (key, sender, quota): how often one request tries again."));
  out.push_back(integer(
      "/resend/retries/max_attempts", [](auto& c) -> auto& { return c.sender.retries.max_attempts; }, 1,
      10'000, "Counted failures after which a request is parked for a person."));
  out.push_back(milliseconds(
      "/resend/retries/backoff_min_ms", [](auto& c) -> auto& { return c.sender.retries.backoff_min; }, 1,
      86'400'000, "Bound of the random delay after the first failure; doubles with each further one."));
  out.push_back(milliseconds(
      "/resend/retries/backoff_max_ms", [](auto& c) -> auto& { return c.sender.retries.backoff_max; }, 1,
      86'400'000, "Longest such bound."));
  out.push_back(span<std::chrono::hours>(
      "/resend/retries/key_life_hours", [](auto& c) -> auto& { return c.sender.retries.key_life; }, 1, 23,
      "How long after its first attempt a request may be repeated; the provider forgets keys after 24 "
      "hours."));
}

/// When one job runs; `of` takes a configuration and returns its job_options.
template <class Job> void add_job(rows& out, const std::string& pointer, Job of) {
  out.push_back(text(
      pointer + "/schedule", [of](auto& c) -> auto& { return of(c).schedule.rule; }, 0, 200,
      "When: a cron rule of five fields, or @hourly and the like, in the job's time zone; empty for never."));
  out.push_back(text(
      pointer + "/time_zone", [of](auto& c) -> auto& { return of(c).schedule.zone; }, 1, 100,
      "IANA name of the zone of the schedule."));
  out.push_back(milliseconds(
      pointer + "/jitter_ms", [of](auto& c) -> auto& { return of(c).schedule.jitter; }, 0, 3'600'000,
      "Each daemon looks up to this much later than the instant, so that many of them do not come at once."));
  out.push_back(choice<catch_up_policy>(
      pointer + "/catch_up", [of](auto& c) -> auto& { return of(c).schedule.catch_up; },
      {{catch_up_policy::coalesce, "coalesce"},
       {catch_up_policy::skip, "skip"},
       {catch_up_policy::catch_up, "catch_up"}},
      "After downtime: `coalesce` makes one run for all missed instants, `skip` none, `catch_up` one for "
      "each "
      "of the newest few."));
  out.push_back(integer(
      pointer + "/catch_up_runs", [of](auto& c) -> auto& { return of(c).schedule.catch_up_runs; }, 1, 1'000,
      "How many, with `catch_up`."));
  out.push_back(milliseconds(
      pointer + "/late_after_ms", [of](auto& c) -> auto& { return of(c).schedule.late_after; }, 1'000, day_ms,
      "A run that begins later than this after its instant, and the jitter, counts as late."));
  out.push_back(milliseconds(
      pointer + "/deadline_ms", [of](auto& c) -> auto& { return of(c).deadline; }, 1'000, day_ms,
      "A run that takes longer is broken off and counts as failed."));
}

void add_jobs(rows& out) {
  out.push_back(boolean(
      "/jobs/enabled", [](auto& c) -> auto& { return c.jobs.enabled; },
      "Run the time-driven jobs by their schedules; off while other programs still do their work."));
  out.push_back(integer(
      "/jobs/chunk", [](auto& c) -> auto& { return c.jobs.chunk; }, 1, 100'000,
      "Meetings, threads or projects that one transaction of a job looks at."));
  out.push_back(span<std::chrono::days>(
      "/jobs/keep_days", [](auto& c) -> auto& { return c.jobs.keep; }, 1, 3'650,
      "How long the ledger of runs is kept."));
  out.push_back(integer(
      "/jobs/retries/max_attempts", [](auto& c) -> auto& { return c.jobs.retries.max_attempts; }, 1, 1'000,
      "Tries of one run; after an outage there is always another."));
  out.push_back(milliseconds(
      "/jobs/retries/backoff_min_ms", [](auto& c) -> auto& { return c.jobs.retries.backoff_min; }, 1, day_ms,
      "Pause after the first failure; doubles with each further one."));
  out.push_back(milliseconds(
      "/jobs/retries/backoff_max_ms", [](auto& c) -> auto& { return c.jobs.retries.backoff_max; }, 1, day_ms,
      "Longest such pause."));
}

void add_meeting_reminders(rows& out) {
  add_job(
      out, "/jobs/meeting_reminders", [](auto& c) -> auto& { return c.jobs.meeting_reminders; });
  out.push_back(span<std::chrono::minutes>(
      "/jobs/meeting_reminders/ahead_minutes", [](auto& c) -> auto& { return c.jobs.reminders.ahead; }, 1,
      1'440, "People are reminded of meetings that start within this time."));
  out.push_back(span<std::chrono::minutes>(
      "/jobs/meeting_reminders/slack_minutes", [](auto& c) -> auto& { return c.jobs.reminders.slack; }, 0,
      1'440,
      "A reminder that is older than start, lead time and this together was for an earlier start: the "
      "meeting "
      "was moved, and people are reminded again."));
}

void add_unread_nudges(rows& out) {
  add_job(
      out, "/jobs/unread_thread_nudges", [](auto& c) -> auto& { return c.jobs.unread_nudges; });
  out.push_back(span<std::chrono::minutes>(
      "/jobs/unread_thread_nudges/threshold_minutes",
      [](auto& c) -> auto& { return c.jobs.unread.threshold; }, 1, 525'600,
      "A thread is stale for a reader whose oldest unread message is older than this.",
      {"THRESHOLD_MINUTES"}));
  out.push_back(span<std::chrono::days>(
      "/jobs/unread_thread_nudges/max_age_days", [](auto& c) -> auto& { return c.jobs.unread.max_age; }, 1,
      3'650, "Nobody is nudged about a thread whose newest unread message is older than this."));
  out.push_back(span<std::chrono::hours>(
      "/jobs/unread_thread_nudges/renudge_after_hours",
      [](auto& c) -> auto& { return c.jobs.unread.renudge_after; }, 0, 87'600,
      "How long a reader is left alone about a thread after a nudge."));
}

void add_calendar_watches(rows& out) {
  add_job(
      out, "/jobs/renew_calendar_watches", [](auto& c) -> auto& { return c.jobs.calendar_watches; });
  out.push_back(text("/jobs/renew_calendar_watches/backend_url",
                     [](auto& c) -> auto& { return c.jobs.backend_url; }, 0, 2'000,
                     "The platform's own address, https; the calendar provider calls "
                     "/api/v1/webhooks/google-calendar there.",
                     {"BACKEND_PUBLIC_URL"}));
  out.push_back(span<std::chrono::hours>(
      "/jobs/renew_calendar_watches/within_hours", [](auto& c) -> auto& { return c.jobs.watches.within; }, 1,
      168, "Watches that expire within this time are renewed: more than the time between two runs."));
  out.push_back(integer(
      "/jobs/renew_calendar_watches/max_concurrent",
      [](auto& c) -> auto& { return c.jobs.watches.max_concurrent; }, 1, 64,
      "Connections that are renewed at the same time, each call with a thread of its own."));
  out.push_back(milliseconds(
      "/jobs/renew_calendar_watches/connection_deadline_ms",
      [](auto& c) -> auto& { return c.jobs.watches.renewal.deadline; }, 1'000, 3'600'000,
      "For one connection as a whole; after it nothing more is tried for it in this run."));
  out.push_back(integer(
      "/jobs/renew_calendar_watches/max_tries",
      [](auto& c) -> auto& { return c.jobs.watches.renewal.max_tries; }, 1, 20,
      "Tries of one call that the provider asks to repeat later."));
}

void add_google(rows& out) {
  out.push_back(text("/google/client_id", [](auto& c) -> auto& { return c.google.client_id; }, 0, 1'000,
                     "The OAuth client that calendars were connected with; empty for none.",
                     {"GOOGLE_CLIENT_ID"}));
  out.push_back(hidden_text("/google/client_secret", [](auto& c) -> auto& { return c.google.client_secret; },
                            1'000, "Its secret; better kept in the environment than in a file.",
                            {"GOOGLE_CLIENT_SECRET"}));
  out.push_back(hidden_text(
      "/google/channel_secret", [](auto& c) -> auto& { return c.google.channel_secret; }, 1'000,
      "Shared with the platform's webhook: a channel's token is the hexadecimal HMAC-SHA256 of its "
      "id under this, so that nobody else can pass for Google; empty for channels without one.",
      {"GOOGLE_CHANNEL_SECRET"}));
  out.push_back(text(
      "/google/token_url", [](auto& c) -> auto& { return c.google.token_url; }, 1, 2'000,
      "Where access tokens are refreshed; plain http only on this machine."));
  out.push_back(text(
      "/google/api_url", [](auto& c) -> auto& { return c.google.api_url; }, 1, 2'000,
      "The server of the Calendar API; plain http only on this machine."));
  out.push_back(text(
      "/google/ca_file", [](auto& c) -> auto& { return c.google.ca_file; }, 0, 4'096,
      "PEM file with certificate authorities to trust besides the system's, for a proxy; empty for none."));
  out.push_back(milliseconds(
      "/google/connect_timeout_ms", [](auto& c) -> auto& { return c.google.connect_timeout; }, 1, 600'000,
      "For name resolution, connection and TLS together."));
  out.push_back(milliseconds(
      "/google/request_timeout_ms", [](auto& c) -> auto& { return c.google.request_timeout; }, 1, 600'000,
      "For one request as a whole."));
}

/// The budget of one supervisor; `of` takes a configuration and returns its supervisor_options.
template <class Supervisor> void add_supervisor(rows& out, const std::string& pointer, Supervisor of) {
  out.push_back(integer(
      pointer + "/max_restarts", [of](auto& c) -> auto& { return of(c).max_restarts; }, 0, 100'000,
      "Restarts within the window after which the supervisor gives up and its parent takes over."));
  out.push_back(milliseconds(
      pointer + "/window_ms", [of](auto& c) -> auto& { return of(c).window; }, 1'000, day_ms,
      "The span in which restarts are counted."));
  out.push_back(milliseconds(
      pointer + "/backoff_min_ms", [of](auto& c) -> auto& { return of(c).backoff_min; }, 1, 3'600'000,
      "Delay before the first restart; doubles with each further one."));
  out.push_back(milliseconds(
      pointer + "/backoff_max_ms", [of](auto& c) -> auto& { return of(c).backoff_max; }, 1, 3'600'000,
      "Longest delay before a restart, before jitter."));
  out.push_back(number(
      pointer + "/jitter", [of](auto& c) -> auto& { return of(c).jitter; }, 0, 1,
      "Share of the delay that is random."));
  out.push_back(milliseconds(
      pointer + "/stable_after_ms", [of](auto& c) -> auto& { return of(c).stable_after; }, 0, day_ms,
      "How long a stage has to run for its next crash to count as its first."));
}

void add_log(rows& out) {
  auto levels = names_of<log_level>{};
  for (auto x : {log_level::debug, log_level::info, log_level::warning, log_level::error})
    levels.emplace_back(x, to_string(x));
  auto level = choice<log_level>("/log/level", [](auto& c) -> auto& { return c.log.level; }, levels,
                                 "The least severe level that is logged.", {"LOG_LEVEL"});
  // Knows WARN as well, which is common elsewhere.
  level.set = [](configuration& cfg, const option_value& x) {
    auto parsed = parse_log_level(std::get<std::string>(x));
    cfg.log.level = parsed.value_or(cfg.log.level);
    return parsed.has_value();
  };
  out.push_back(std::move(level));
  out.push_back(
      choice<log_format>("/log/format", [](auto& c) -> auto& { return c.log.format; },
                         {{log_format::text, "text"}, {log_format::json, "json"}},
                         "`text`: one line for people; `json`: one object per line with a stable event id.",
                         {"HERALD_LOG_FORMAT"}));
  out.push_back(text(
      "/log/file", [](auto& c) -> auto& { return c.log.file; }, 0, 4'096,
      "The file to append to; empty for standard error."));
}

} // namespace

std::vector<option> option_table() {
  rows out;
  add_daemon(out);
  add_store(out);
  add_postgres(out);
  add_supabase(out);
  add_poller(out);
  add_writer(out);
  add_retries(out);
  add_gate(out);
  add_handlers(out);
  add_email(out);
  add_batcher(out);
  add_resend(out);
  add_jobs(out);
  add_meeting_reminders(out);
  add_unread_nudges(out);
  add_job(
      out, "/jobs/resume_incomplete_nudges", [](auto& c) -> auto& { return c.jobs.resume_nudges; });
  add_calendar_watches(out);
  add_google(out);
  add_supervisor(
      out, "/supervision/root", [](auto& c) -> auto& { return c.supervision.root; });
  add_supervisor(
      out, "/supervision/pipeline", [](auto& c) -> auto& { return c.supervision.pipeline; });
  add_supervisor(
      out, "/supervision/handlers", [](auto& c) -> auto& { return c.supervision.handlers; });
  add_supervisor(
      out, "/supervision/email", [](auto& c) -> auto& { return c.supervision.email; });
  add_supervisor(
      out, "/supervision/jobs", [](auto& c) -> auto& { return c.supervision.jobs; });
  add_log(out);
  return out;
}

std::vector<option_section> option_sections() {
  return {
      {"/daemon", "The process as a whole."},
      {"/store", "The database."},
      {"/store/sqlite", "The embedded database; read when store.kind is `sqlite`."},
      {"/store/postgres", "A PostgreSQL server; read when store.kind is `postgres`, and by herald migrate."},
      {"/store/supabase", "A Supabase project; read when store.kind is `supabase`."},
      {"/poller", "Claims due events and hands them to the handlers."},
      {"/writer", "Commits notifications, queued e-mails and the events' completion."},
      {"/writer/retries", "When failed events are tried again, and when they are dead."},
      {"/gate", "The threads that talk to the database."},
      {"/handlers", "The rules that turn events into notifications."},
      {"/email", "What mails say, to whom they go, and how they become requests."},
      {"/email/digest", "When digests go out, and how much they list."},
      {"/resend", "The mail provider: its address, and how fast mail may go to it."},
      {"/resend/retries", "When a request that failed is sent again."},
      {"/jobs", "The time-driven jobs."},
      {"/jobs/retries", "When a run that failed is tried again."},
      {"/jobs/meeting_reminders", "Reminds people of meetings that start soon."},
      {"/jobs/unread_thread_nudges", "Tells people of messages that wait for them."},
      {"/jobs/resume_incomplete_nudges", "Tells owners of resumes that nobody completes."},
      {"/jobs/renew_calendar_watches", "Renews the push channels of people's calendars before they expire."},
      {"/google", "Google Calendar: our client there, and what its push channels carry."},
      {"/supervision", "How often crashed stages are restarted before somebody above has to act."},
      {"/supervision/root",
       "The daemon's stages and the pipeline; when its budget is spent, the daemon exits."},
      {"/supervision/pipeline", "Poller and writer."},
      {"/supervision/handlers",
       "One stage per event type; its budget is wide because a poison event legitimately "
       "crashes its handler a few times before it is found alone."},
      {"/supervision/email", "Batcher, sender and the threads that talk to the mail provider."},
      {"/supervision/jobs", "The time-driven jobs and the threads that talk to the calendar provider."},
      {"/log", "What is logged, and where."},
  };
}

} // namespace herald
