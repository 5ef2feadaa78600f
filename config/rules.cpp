#include "config/rules.hpp"

namespace herald {

namespace {

/// The first option must not exceed the second. `low` and `high` take a configuration and return the values.
template <class Low, class High>
config_rule at_most(std::string low_pointer, std::string high_pointer, Low low, High high) {
  auto expected = "at most " + high_pointer;
  return {{std::move(low_pointer), std::move(high_pointer)},
          std::move(expected),
          [low, high](const configuration& x) { return low(x) <= high(x); }};
}

template <class Supervisor> config_rule restart_backoff(const std::string& pointer, Supervisor of) {
  return at_most(
      pointer + "/backoff_min_ms", pointer + "/backoff_max_ms",
      [of](const auto& x) { return of(x).backoff_min; }, [of](const auto& x) { return of(x).backoff_max; });
}

template <class Job> config_rule readable_schedule(const std::string& pointer, Job of) {
  return {{pointer + "/schedule", pointer + "/time_zone"},
          "a cron rule of five fields (or empty for never), in an IANA time zone",
          [of](const configuration& x) {
            auto& schedule = of(x).schedule;
            return schedule.rule.empty() || job_schedule::parse(schedule).has_value();
          }};
}

} // namespace

std::vector<config_rule> config_rules() {
  return {
      at_most(
          "/poller/poll_min_ms", "/poller/poll_max_ms", [](const auto& x) { return x.poller.poll_min; },
          [](const auto& x) { return x.poller.poll_max; }),
      at_most(
          "/writer/commit_batch", "/writer/max_in_flight",
          [](const auto& x) { return x.writer.commit_batch; },
          [](const auto& x) { return x.writer.max_in_flight; }),
      at_most(
          "/writer/outage_backoff_min_ms", "/writer/outage_backoff_max_ms",
          [](const auto& x) { return x.writer.outage_backoff_min; },
          [](const auto& x) { return x.writer.outage_backoff_max; }),
      at_most(
          "/writer/retries/backoff_min_ms", "/writer/retries/backoff_max_ms",
          [](const auto& x) { return x.writer.retries.backoff_min; },
          [](const auto& x) { return x.writer.retries.backoff_max; }),
      // A claim that runs out in the buffer is work for nothing.
      {{"/writer/commit_delay_ms", "/poller/lease_ms"},
       "at most half of /poller/lease_ms",
       [](const configuration& x) { return 2 * x.writer.commit_delay <= x.poller.lease; }},
      at_most(
          "/email/poll_min_ms", "/email/poll_max_ms", [](const auto& x) { return x.email.batcher.poll_min; },
          [](const auto& x) { return x.email.batcher.poll_max; }),
      at_most(
          "/email/batch_min", "/email/batch_max",
          [](const auto& x) { return x.email.batcher.requests.batch_min; },
          [](const auto& x) { return x.email.batcher.requests.batch_max; }),
      at_most(
          "/resend/rate_start", "/resend/rate_max",
          [](const auto& x) { return x.sender.governor.rate_start; },
          [](const auto& x) { return x.sender.governor.rate_max; }),
      {{"/email/digest/rule", "/email/digest/time_zone"},
       "a cron rule of five fields, in an IANA time zone",
       [](const configuration& x) {
         return digest_schedule::parse(x.email.batcher.digest_rule, x.email.batcher.digest_zone).has_value();
       }},
      {{"/email/key_prefix"},
       "letters, digits and -_.:/",
       [](const configuration& x) { return !validate(x.email.batcher.requests); }},
      at_most(
          "/resend/open_min_ms", "/resend/open_max_ms",
          [](const auto& x) { return x.sender.governor.open_min; },
          [](const auto& x) { return x.sender.governor.open_max; }),
      at_most(
          "/resend/retries/backoff_min_ms", "/resend/retries/backoff_max_ms",
          [](const auto& x) { return x.sender.retries.backoff_min; },
          [](const auto& x) { return x.sender.retries.backoff_max; }),
      // An envelope that waits for its turn and then for its answer must still be ours.
      {{"/resend/request_timeout_ms", "/email/lease_ms"},
       "at most a third of /email/lease_ms",
       [](const configuration& x) { return 3 * x.resend.request_timeout <= x.email.batcher.lease; }},
      {{"/resend/daily_quota", "/email/batch_max"},
       "0, or at least /email/batch_max",
       [](const configuration& x) {
         auto quota = x.sender.governor.daily_quota;
         return quota == 0 || quota >= static_cast<std::int64_t>(x.email.batcher.requests.batch_max);
       }},
      readable_schedule(
          "/jobs/meeting_reminders", [](const auto& x) -> auto& { return x.jobs.meeting_reminders; }),
      readable_schedule(
          "/jobs/unread_thread_nudges", [](const auto& x) -> auto& { return x.jobs.unread_nudges; }),
      readable_schedule(
          "/jobs/resume_incomplete_nudges", [](const auto& x) -> auto& { return x.jobs.resume_nudges; }),
      readable_schedule(
          "/jobs/renew_calendar_watches", [](const auto& x) -> auto& { return x.jobs.calendar_watches; }),
      at_most(
          "/jobs/retries/backoff_min_ms", "/jobs/retries/backoff_max_ms",
          [](const auto& x) { return x.jobs.retries.backoff_min; },
          [](const auto& x) { return x.jobs.retries.backoff_max; }),
      {{"/jobs/renew_calendar_watches/backend_url"},
       "an https address (BACKEND_PUBLIC_URL), or nothing",
       [](const configuration& x) {
         auto& url = x.jobs.backend_url;
         return url.empty() || (url.starts_with("https://") && url.size() > 8 && url[8] != '/');
       }},
      // Else a watch could expire between two looks.
      {{"/jobs/renew_calendar_watches/within_hours", "/jobs/renew_calendar_watches/schedule"},
       "more than the longest time between two instants of the schedule",
       [](const configuration& x) {
         auto& schedule = x.jobs.calendar_watches.schedule;
         if (schedule.rule.empty())
           return true;
         auto parsed = job_schedule::parse(schedule);
         return parsed.has_error() || longest_gap(*parsed) < x.jobs.watches.within;
       }},
      // Else a lock that is merely waited for would pass for an outage.
      at_most(
          "/store/sqlite/busy_timeout_ms", "/gate/call_timeout_ms",
          [](const auto& x) { return x.store.sqlite.busy_timeout; },
          [](const auto& x) { return x.gate.call_timeout; }),
      restart_backoff("/supervision/root", [](const auto& x) { return x.supervision.root; }),
      restart_backoff("/supervision/pipeline", [](const auto& x) { return x.supervision.pipeline; }),
      restart_backoff("/supervision/handlers", [](const auto& x) { return x.supervision.handlers; }),
      restart_backoff("/supervision/email", [](const auto& x) { return x.supervision.email; }),
      restart_backoff("/supervision/jobs", [](const auto& x) { return x.supervision.jobs; }),
      {{"/store/postgres/url", "/store/kind"},
       "the URL of the server (DATABASE_URL) when /store/kind is postgres",
       [](const configuration& x) {
         return x.store.kind != store_kind::postgres || !x.store.postgres.url.empty();
       }},
      {{"/store/supabase/url", "/store/supabase/service_role_key", "/store/kind"},
       "the project's address and key (SUPABASE_URL, SUPABASE_SERVICE_ROLE_KEY) when /store/kind is supabase",
       [](const configuration& x) {
         auto& supabase = x.store.supabase;
         return x.store.kind != store_kind::supabase
                || (!supabase.url.empty() && !supabase.service_role_key.empty());
       }},
      at_most(
          "/store/supabase/answer_timeout_ms", "/gate/call_timeout_ms",
          [](const auto& x) { return x.store.supabase.answer_timeout; },
          [](const auto& x) { return x.gate.call_timeout; }),
      at_most(
          "/store/postgres/statement_timeout_ms", "/store/postgres/answer_timeout_ms",
          [](const auto& x) { return x.store.postgres.statement_timeout; },
          [](const auto& x) { return x.store.postgres.answer_timeout; }),
      // Else a caller would be told of an outage while its call may still be carried out.
      at_most(
          "/store/postgres/answer_timeout_ms", "/gate/call_timeout_ms",
          [](const auto& x) { return x.store.postgres.answer_timeout; },
          [](const auto& x) { return x.gate.call_timeout; }),
  };
}

} // namespace herald
