#include "app/demo/day.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "adapters/calendar/google_calendar.hpp"
#include "core/payload.hpp"
#include "core/time_zone.hpp"

namespace herald {

namespace {

using namespace std::chrono_literals;

/// The shortest schedule of a job.
constexpr duration step = 5min;

/// Herald is switched off from here on, for so long.
constexpr duration off_after = 5h;
constexpr duration off_for = 2h;

/// Far more than one step's work takes; past it something is wrong.
constexpr duration patience{60'000};

constexpr std::string_view zone_name = "America/Los_Angeles";

/// Counts that nobody needs to hear of: nothing happened.
constexpr std::array quiet{
    std::string_view{"already"},   std::string_view{"complete"}, std::string_view{"declined"},
    std::string_view{"muted"},     std::string_view{"recent"},   std::string_view{"system"},
    std::string_view{"too_early"}, std::string_view{"too_old"},  std::string_view{"no_profile"}};

/// What happened in a run, without what did not; empty when nothing did.
std::string news_of(const job_run& x) {
  std::string out;
  for (auto& [reason, n] : x.counts)
    if (n > 0 && std::ranges::find(quiet, reason) == quiet.end())
      out += fmt::format("{}{} {}", out.empty() ? "" : ", ", n, reason);
  if (!x.error.empty())
    out += fmt::format("{}failed: {}", out.empty() ? "" : "; ", x.error);
  return out;
}

/// Tells what is new in the ledger and in the outbox since the last time.
class timeline {
public:
  timeline(sqlite_store& store, const demo_day_options& options)
      : store_{store}, options_{options}, zone_{time_zone::find(zone_name)} {}

  void say(timestamp at, std::string_view who, const std::string& what) {
    auto when = zone_ ? zone_->format(at, "%a %H:%M") : to_iso8601(at);
    options_.tell(fmt::format("  {}  {:<26}{}", when, who, what));
  }

  result<void> tell_runs() {
    auto runs = store_.job_runs(8);
    if (!runs)
      return runs.error();
    std::ranges::sort(*runs, {}, &job_run::id);
    for (auto& x : *runs) {
      if (x.id <= last_run_ || x.state == run_state::running)
        continue;
      if (x.state == run_state::missed)
        say(x.scheduled_at, x.job, fmt::format("{} runs missed", x.instants));
      else if (auto news = news_of(x); !news.empty() || x.state == run_state::late)
        say(x.scheduled_at, x.job,
            (news.empty() ? "nothing to do" : news)
                + (x.state == run_state::late ? " (one run for all)" : ""));
    }
    for (auto& x : *runs)
      last_run_ = std::max(last_run_, x.id);
    return {};
  }

  result<void> tell_mails(timestamp now) {
    auto outbox = store_.summarize_outbox();
    if (!outbox)
      return outbox.error();
    auto immediate = outbox->immediate_mails - std::exchange(immediate_, outbox->immediate_mails);
    auto digests = outbox->digest_mails - std::exchange(digests_, outbox->digest_mails);
    auto merged = outbox->merged - std::exchange(merged_, outbox->merged);
    if (immediate > 0)
      say(now, "mail", fmt::format("{} sent at once", immediate));
    if (digests > 0)
      say(now, "digest",
          fmt::format("{} digests{}", digests, merged > 0 ? fmt::format(" of {} e-mails", merged) : ""));
    return {};
  }

  /// What was there before the day is no news.
  result<void> begin() {
    auto outbox = store_.summarize_outbox();
    if (!outbox)
      return outbox.error();
    immediate_ = outbox->immediate_mails;
    digests_ = outbox->digest_mails;
    merged_ = outbox->merged;
    return {};
  }

private:
  sqlite_store& store_;
  const demo_day_options& options_;
  result<time_zone> zone_;
  std::int64_t last_run_ = 0;
  std::uint64_t immediate_ = 0;
  std::uint64_t digests_ = 0;
  std::uint64_t merged_ = 0;
};

/// Waits until `done` says that nothing is due, and is told so.
template <class Done> result<void> settle(Done done) {
  auto idle = done(patience);
  if (idle.has_error())
    return idle.error();
  if (!*idle)
    return failure{failure_class::outage, "a step of the day did not end in time; see the log"};
  return {};
}

/// Jobs create events, events create notifications and e-mails, e-mails go out.
result<void> work_off(session& pipeline) {
  if (auto ran = settle([&](duration limit) { return pipeline.until_jobs_ran(limit); }); ran.has_error())
    return ran.error();
  if (auto idle = settle([&](duration limit) { return pipeline.until_idle(limit); }); idle.has_error())
    return idle.error();
  return settle([&](duration limit) { return pipeline.until_mailed(limit); });
}

/// Somebody opens a thread and writes, so that there is something to be nudged about hours later.
result<void> chat(sqlite_store& store, const company& firm, timestamp now) {
  auto& project = firm.projects.back();
  auto& author = project.people.front();
  platform_rows rows;
  auto thread = firm.threads.back().id;
  // One more id of the same form.
  thread.data[15] ^= 0xFFU;
  rows.threads.push_back({thread, project.id, "Closing checklist"});
  for (auto& user : project.people)
    rows.participants.push_back({thread, user, now});
  rows.messages.push_back({thread, author, "Can everybody look at the closing checklist today?", now + 1ms});
  if (auto written = store.insert_platform_rows(rows, now); written.has_error())
    return written.error();
  new_event event;
  event.type = "chat_message_sent";
  event.actor_id = author;
  event.project_id = project.id;
  event.thread_id = thread;
  event.payload = json_object{}.set("full_content", rows.messages.front().content).str();
  event.created_at = now;
  if (auto fed = store.insert_events(std::span{&event, 1}, now); fed.has_error())
    return fed.error();
  return {};
}

/// As the web application did when the person connected the calendar.
void watch_calendar(calendar_api& calendar, platform_rows::calendar_connection_row& row, timestamp now) {
  auto token = calendar.call(token_refresh{secret{row.refresh_token.value_or("")}, {}});
  watch_creation creation;
  creation.access_token = token.access_token;
  creation.calendar_id = row.provider_account_id;
  creation.channel_id = row.watch_channel_id.value_or("");
  creation.address = "https://backend.example.com/api/v1/webhooks/google-calendar";
  creation.ttl = row.watch_expiration.value_or(now) - now;
  auto channel = calendar.call(creation);
  row.access_token = std::string{token.access_token.reveal()};
  row.token_expires_at = now + token.expires_in;
  row.watch_resource_id = channel.resource_id;
  row.watch_expiration = channel.expires_at;
}

} // namespace

// -- the clock ----------------------------------------------------------------------------------------------

demo_clock::demo_clock(std::shared_ptr<const clock> wall, timestamp now)
    : wall_{std::move(wall)}, shift_ms_{(now - wall_->now()).count()} {}

timestamp demo_clock::now() const {
  return wall_->now() + duration{shift_ms_.load()};
}

void demo_clock::jump_to(timestamp x) {
  if (auto ahead = (x - now()).count(); ahead > 0)
    shift_ms_ += ahead;
}

// -- the calendar provider ----------------------------------------------------------------------------------

std::shared_ptr<simulated_google> connect_calendars(company& firm, const std::shared_ptr<const clock>& time) {
  auto out = std::make_shared<simulated_google>(simulated_google_options{}, time);
  auto& connections = firm.rows.calendar_connections;
  for (auto& x : connections)
    out->add_account({x.provider_account_id, x.refresh_token.value_or(""), {}, {}});
  auto calendar = open_demo_calendar(out, time);
  for (auto& x : connections)
    watch_calendar(*calendar, x, time->now());
  if (connections.size() > 2) {
    out->revoke(connections[2].provider_account_id);
    google_fault busy;
    busy.call = google_call::watch;
    busy.account = connections[1].provider_account_id;
    busy.error = "rateLimitExceeded";
    out->queue(std::move(busy));
  }
  return out;
}

std::unique_ptr<calendar_api> open_demo_calendar(const std::shared_ptr<simulated_google>& google,
                                                 const std::shared_ptr<const clock>& time) {
  google_options options;
  options.client_id = "demo";
  options.client_secret = secret{"demo"};
  return make_google_calendar(options, time, make_simulated_client(google), make_simulated_client(google));
}

// -- the day ------------------------------------------------------------------------------------------------

result<void> play_demo_day(session& pipeline, sqlite_store& store, demo_clock& time, const company& firm,
                           const demo_day_options& options) {
  timeline lines{store, options};
  if (auto begun = lines.begin(); begun.has_error())
    return begun.error();
  auto start = time.now();
  auto first = std::chrono::ceil<std::chrono::minutes>(start);
  while (first.time_since_epoch() % step != 0ms)
    first += 1min;
  auto was_off = false;
  auto chatted = false;
  for (auto now = timestamp{first}; now <= start + options.length; now += step) {
    if (!options.going())
      return failure{failure_class::outage, "interrupted"};
    if (auto into = now - start; into >= off_after && into < off_after + off_for) {
      if (!std::exchange(was_off, true))
        lines.say(now, "", "Herald is switched off for two hours.");
      continue;
    }
    time.jump_to(now);
    if (now - start >= off_after + off_for && !std::exchange(chatted, true)) {
      lines.say(now, "", "Somebody opens a thread and asks everybody to look at something.");
      if (auto wrote = chat(store, firm, now); wrote.has_error())
        return wrote.error();
    }
    if (auto worked = work_off(pipeline); worked.has_error())
      return worked.error();
    if (auto told = lines.tell_runs(); told.has_error())
      return told.error();
    if (now.time_since_epoch() % 1h == 0ms)
      if (auto told = lines.tell_mails(now); told.has_error())
        return told.error();
  }
  return {};
}

} // namespace herald
