// Which readers are nudged about messages that wait, and when.
#include <random>
#include <set>
#include <tuple>

#include <nlohmann/json.hpp>

#include "core/preferences.hpp"
#include "tests/contract/nudge_contract.hpp"

namespace herald::test {

using namespace std::chrono_literals;

TEST_P(nudge_contract, a_reader_for_whom_messages_wait_is_nudged_once) {
  backend->add_message(ids::general_thread, ids::mia, t0 - 5h);
  backend->add_message(ids::general_thread, ids::max, t0 - 4h);
  EXPECT_EQ(nudge_readers(), (job_counts{{"created", 1}}));
  auto events = backend->events();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].type, "thread_unread_stale");
  EXPECT_FALSE(events[0].actor_id);
  EXPECT_EQ(events[0].thread_id, ids::general_thread);
  EXPECT_EQ(events[0].project_id, ids::tower);
  EXPECT_EQ(events[0].created_at, now);
  json_object expected;
  expected.set("user_id", ids::olga)
      .set("thread_topic", std::optional<std::string>{})
      .set("latest_message_at", "2026-01-20T10:30:45.000Z")
      .set("latest_sender_id", ids::max)
      .set("anchor_last_read_at", "1970-01-01T00:00:00.000Z")
      .set("unread_count", 2);
  EXPECT_EQ(payload_of(events[0]).json(), payload::parse(expected.str()).value().json());
  auto log = backend->stale_log();
  ASSERT_EQ(log.size(), 1u);
  EXPECT_EQ(log[0].thread_id, ids::general_thread);
  EXPECT_EQ(log[0].user_id, ids::olga);
  EXPECT_EQ(log[0].latest_message_at, t0 - 4h);
  EXPECT_EQ(log[0].event_id, events[0].id);
  EXPECT_EQ(log[0].sent_at, now);
  EXPECT_EQ(nudge_readers(), (job_counts{{"already", 1}}));
  EXPECT_EQ(backend->events().size(), 1u);
}

TEST_P(nudge_contract, ones_own_messages_do_not_wait_for_oneself) {
  backend->add_message(ids::closing_thread, ids::olga, t0 - 6h);
  backend->add_message(ids::closing_thread, ids::max, t0 - 5h);
  backend->add_message(ids::closing_thread, ids::olga, t0 - 4h);
  // Mia has muted her inbox, and says nothing about e-mail.
  EXPECT_EQ(nudge_readers(), (job_counts{{"created", 2}, {"muted", 1}}));
  for (auto& x : backend->events()) {
    auto olgas = payload_of(x).id("user_id") == ids::olga;
    EXPECT_EQ(payload_of(x).integer("unread_count"), olgas ? 1 : 2);
    EXPECT_EQ(payload_of(x).text("latest_message_at"),
              olgas ? "2026-01-20T09:30:45.000Z" : "2026-01-20T10:30:45.000Z");
    EXPECT_EQ(payload_of(x).id("latest_sender_id"), olgas ? ids::max : ids::olga);
    EXPECT_EQ(payload_of(x).text("thread_topic"), "Closing");
  }
}

TEST_P(nudge_contract, a_thread_in_which_people_keep_talking_is_nudged_about) {
  for (auto ago = duration{4h}; ago > 0min; ago -= 10min)
    backend->add_message(ids::general_thread, ids::max, t0 - ago);
  EXPECT_EQ(nudge_readers(), (job_counts{{"created", 1}}));
  auto data = payload_of(backend->events().at(0));
  EXPECT_EQ(data.integer("unread_count"), 24);
  EXPECT_EQ(data.text("latest_message_at"), "2026-01-20T14:20:45.000Z");
}

TEST_P(nudge_contract, the_oldest_unread_message_has_to_be_older_than_the_threshold) {
  backend->add_message(ids::general_thread, ids::max, t0);
  now = t0 + 180min;
  EXPECT_EQ(nudge_readers(), (job_counts{{"too_early", 1}}));
  now += 1ms;
  EXPECT_EQ(nudge_readers(), (job_counts{{"created", 1}}));
}

TEST_P(nudge_contract, the_newest_unread_message_has_to_be_younger_than_the_maximum_age) {
  backend->add_message(ids::general_thread, ids::max, t0 - 1h);
  backend->add_message(ids::general_thread, ids::max, t0);
  now = t0 + 14 * 24h;
  EXPECT_EQ(nudge_readers(), (job_counts{{"too_old", 1}}));
  now -= 1ms;
  EXPECT_EQ(nudge_readers(), (job_counts{{"created", 1}}));
}

TEST_P(nudge_contract, what_was_read_waits_no_longer) {
  backend->add_message(ids::general_thread, ids::max, t0 - 5h);
  backend->read_thread(ids::general_thread, ids::olga, t0 - 5h);
  EXPECT_EQ(nudge_readers(), job_counts{});
  backend->add_message(ids::general_thread, ids::max, t0 - 5h + 1ms);
  EXPECT_EQ(nudge_readers(), (job_counts{{"created", 1}}));
  auto data = payload_of(backend->events().at(0));
  EXPECT_EQ(data.integer("unread_count"), 1);
  EXPECT_EQ(data.text("anchor_last_read_at"), "2026-01-20T09:30:45.000Z");
}

TEST_P(nudge_contract, a_reader_who_was_nudged_a_short_while_ago_is_left_in_peace) {
  backend->add_message(ids::general_thread, ids::max, t0 - 4h);
  EXPECT_EQ(nudge_readers(), (job_counts{{"created", 1}}));
  backend->add_message(ids::general_thread, ids::max, t0 + 1h);
  now = t0 + 24h - 1ms;
  EXPECT_EQ(nudge_readers(), (job_counts{{"recent", 1}}));
  now = t0 + 24h;
  EXPECT_EQ(nudge_readers(), (job_counts{{"created", 1}}));
  EXPECT_EQ(payload_of(backend->events().at(1)).integer("unread_count"), 2);
}

TEST_P(nudge_contract, a_nudge_of_another_program_or_about_another_thread_counts_as_what_it_is) {
  backend->add_message(ids::general_thread, ids::max, t0 - 4h);
  backend->add_message(ids::closing_thread, ids::max, t0 - 4h);
  backend->leave_stale_row({ids::closing_thread, ids::olga, t0 - 4h, 0, t0 - 20 * 24h});
  backend->leave_stale_row({ids::closing_thread, ids::max, t0 - 4h, 0, t0});
  EXPECT_EQ(nudge_readers(), (job_counts{{"already", 1}, {"created", 1}, {"muted", 1}}));
  EXPECT_EQ(backend->events().at(0).thread_id, ids::general_thread);
}

TEST_P(nudge_contract, system_accounts_are_not_nudged_but_what_they_write_waits) {
  backend->add_message(ids::closing_thread, ids::max, t0 - 4h);
  auto request = threads();
  request.excluded = {ids::max, ids::mia};
  EXPECT_EQ(value_of(store.nudges.nudge_unread_threads(request)).counts,
            (job_counts{{"created", 1}, {"system", 1}}));
  EXPECT_EQ(payload_of(backend->events().at(0)).id("latest_sender_id"), ids::max);
}

TEST_P(nudge_contract, the_first_reason_that_applies_is_the_one_that_counts) {
  backend->add_message(ids::closing_thread, ids::olga, t0 - 4h);
  backend->leave_stale_row({ids::closing_thread, ids::mia, t0 - 4h, 0, t0});
  EXPECT_EQ(nudge_readers(), (job_counts{{"already", 1}, {"created", 1}})) << "and not recent, nor muted";
  backend->add_message(ids::closing_thread, ids::olga, t0 - 3h);
  EXPECT_EQ(nudge_readers(), (job_counts{{"recent", 2}})) << "and not muted";
  now += 30 * 24h;
  auto request = threads();
  request.threshold = 60 * 24h;
  EXPECT_EQ(value_of(store.nudges.nudge_unread_threads(request)).counts, (job_counts{{"too_early", 2}}));
  request.excluded = {ids::max};
  EXPECT_EQ(value_of(store.nudges.nudge_unread_threads(request)).counts,
            (job_counts{{"system", 1}, {"too_early", 1}}));
}

// -- preferences --------------------------------------------------------------------------------------------

namespace {

using preference_row = platform_rows::preference_row;

preference as_handlers_see_it(const preference_row& x) {
  preference out;
  out.scope = x.scope_type == "thread"    ? preference_scope::thread
              : x.scope_type == "project" ? preference_scope::project
                                          : preference_scope::global;
  out.scope_id = x.scope_id;
  out.event_type = x.event_type;
  out.channel = x.channel;
  out.status = x.status == "muted"    ? preference_status::muted
               : x.status == "digest" ? preference_status::digest
                                      : preference_status::immediate;
  return out;
}

/// Whether core/preferences.hpp would send the mail.
bool would_mail(std::span<const preference_row> rows) {
  std::vector<preference> seen;
  for (auto& x : rows)
    seen.push_back(as_handlers_see_it(x));
  preference_query query;
  query.event_types = {"thread_unread_stale"};
  query.thread_id = ids::general_thread;
  query.project_id = ids::tower;
  return wants_email(seen, query, email_delivery::aggregated) != email_delivery::none;
}

/// Rows that are near each other on purpose: few scopes, types, channels and states.
class preference_dice {
public:
  explicit preference_dice(std::uint32_t seed) : random_{seed} {}

  std::vector<preference_row> throw_for(const uuid& user) {
    std::vector<preference_row> out;
    std::set<std::tuple<std::string, uuid, std::string, std::string>> keys;
    for (auto n = below(7); n > 0; --n) {
      auto row = throw_row(user);
      // Rows of the global scope may stand twice; nothing else may.
      if (!row.scope_id || keys.emplace(row.scope_type, *row.scope_id, row.event_type, row.channel).second)
        out.push_back(std::move(row));
    }
    return out;
  }

private:
  std::size_t below(std::size_t n) { return std::uniform_int_distribution<std::size_t>{0, n - 1}(random_); }

  template <class T> T one_of(std::vector<T> xs) { return xs[below(xs.size())]; }

  preference_row throw_row(const uuid& user) {
    preference_row out;
    out.id = make_id(9, 0);
    out.id.data[1] = static_cast<std::uint8_t>(++rows_ >> 8U);
    out.id.data[2] = static_cast<std::uint8_t>(rows_);
    out.user_id = user;
    out.scope_type = one_of<std::string>({"global", "project", "thread"});
    if (out.scope_type == "project")
      out.scope_id = one_of<uuid>({ids::tower, ids::tower, ids::depot});
    if (out.scope_type == "thread")
      out.scope_id = one_of<uuid>({ids::general_thread, ids::general_thread, ids::closing_thread});
    out.event_type = one_of<std::string>({"thread_unread_stale", "*", "chat_message"});
    out.channel = one_of<std::string>({"email", "in_app", "*", "pager"});
    out.status = one_of<std::string>({"muted", "muted", "digest", "immediate", "perhaps"});
    return out;
  }

  std::mt19937 random_;
  std::uint32_t rows_ = 0;
};

} // namespace

TEST_P(nudge_contract, muting_is_honoured_in_each_scope) {
  struct setting {
    std::string name;
    std::vector<preference_row> rows;
  };
  auto row = [](std::string scope, std::optional<uuid> id, std::string type, std::string channel,
                std::string status) {
    return preference_row{
        {}, {}, std::move(scope), id, std::move(type), std::move(channel), std::move(status)};
  };
  std::string own = "thread_unread_stale";
  auto everything = row("global", {}, "*", "*", "muted");
  std::vector<setting> settings{
      {"nothing said", {}},
      {"muted everywhere", {everything}},
      {"muted in the project", {row("project", ids::tower, own, "email", "muted")}},
      {"muted in the thread", {row("thread", ids::general_thread, "*", "email", "muted")}},
      {"muted in another thread", {row("thread", ids::closing_thread, "*", "*", "muted")}},
      {"muted in another project", {row("project", ids::depot, "*", "*", "muted")}},
      {"the thread overrules the rest", {everything, row("thread", ids::general_thread, "*", "*", "digest")}},
      {"the type overrules the rest", {everything, row("global", {}, own, "*", "immediate")}},
      {"the channel overrules the rest", {everything, row("global", {}, "*", "email", "immediate")}},
      {"the inbox alone muted", {row("global", {}, "*", "in_app", "muted")}},
      {"the inbox muted, e-mail wanted",
       {row("thread", ids::general_thread, own, "in_app", "muted"),
        row("global", {}, "*", "email", "digest")}},
      {"of equal rows the stricter",
       {row("global", {}, own, "email", "digest"), row("global", {}, own, "email", "muted")}},
      {"another type muted", {row("global", {}, "chat_message", "*", "muted")}},
  };
  platform_rows rows;
  std::uint8_t n = 0;
  std::uint8_t m = 0;
  for (auto& x : settings) {
    auto user = make_id(14, ++n);
    rows.profiles.push_back({user, {}, "p" + std::to_string(n) + "@example.com"});
    rows.participants.push_back({ids::general_thread, user, {}});
    for (auto& p : x.rows) {
      p.id = make_id(15, ++m);
      p.user_id = user;
      rows.preferences.push_back(p);
    }
  }
  insert(rows, now);
  backend->add_message(ids::general_thread, ids::max, t0 - 4h);
  nudge_readers();
  std::set<uuid> nudged;
  for (auto& x : backend->events())
    nudged.insert(payload_of(x).id("user_id").value());
  n = 0;
  for (auto& x : settings)
    EXPECT_EQ(nudged.contains(make_id(14, ++n)), would_mail(x.rows)) << x.name;
  EXPECT_FALSE(nudged.contains(make_id(14, 2)));
  EXPECT_TRUE(nudged.contains(make_id(14, 7)));
}

TEST_P(nudge_contract, who_is_muted_is_what_the_handlers_decide) {
  constexpr std::uint8_t people = 250;
  auto dice = preference_dice{20'260'120};
  platform_rows rows;
  std::set<uuid> expected{ids::olga};
  for (std::uint8_t n = 1; n <= people; ++n) {
    auto user = make_id(14, n);
    rows.profiles.push_back({user, {}, "p" + std::to_string(n) + "@example.com"});
    rows.participants.push_back({ids::general_thread, user, {}});
    auto thrown = dice.throw_for(user);
    rows.preferences.insert(rows.preferences.end(), thrown.begin(), thrown.end());
    if (would_mail(thrown))
      expected.insert(user);
  }
  insert(rows, now);
  backend->add_message(ids::general_thread, ids::max, t0 - 4h);
  auto counts = nudge_readers();
  EXPECT_EQ(counts["muted"], people + 1u - expected.size());
  std::set<uuid> nudged;
  for (auto& x : backend->events())
    nudged.insert(payload_of(x).id("user_id").value());
  EXPECT_EQ(nudged, expected);
  EXPECT_GT(expected.size(), 50u);
  EXPECT_GT(counts["muted"], 50u);
}

} // namespace herald::test
