// Whom the reminders of meetings reach, and when.
#include <nlohmann/json.hpp>

#include "tests/contract/nudge_contract.hpp"

namespace herald::test {

using namespace std::chrono_literals;

namespace {

/// The world's meeting, which Olga and Mia take part in.
constexpr auto kick_off_at = t0 + 3h;

} // namespace

TEST_P(nudge_contract, who_takes_part_in_a_meeting_that_starts_soon_is_reminded_once) {
  now = kick_off_at - 30min;
  EXPECT_EQ(remind(), (job_counts{{"created", 2}}));
  auto events = backend->events();
  ASSERT_EQ(events.size(), 2u);
  for (std::size_t n = 0; n < 2; ++n) {
    auto user = n == 0 ? ids::olga : ids::mia;
    EXPECT_EQ(events[n].type, "meeting_reminder");
    EXPECT_EQ(events[n].actor_id, user);
    EXPECT_EQ(events[n].meeting_id, ids::kick_off);
    EXPECT_EQ(events[n].project_id, ids::tower);
    EXPECT_EQ(events[n].created_at, now);
    json_object expected;
    expected.set("meeting_id", ids::kick_off)
        .set("user_id", user)
        .set("meeting_title", "Kick-off")
        .set("start_time", "2026-01-20T17:30:45.000Z")
        .set("end_time", "2026-01-20T18:15:45.000Z")
        .set("meeting_link", "https://meet.example.com/1")
        .set("organizer_id", ids::olga)
        .set("reminder_minutes", 30);
    EXPECT_EQ(payload_of(events[n]).json(), payload::parse(expected.str()).value().json());
  }
  EXPECT_EQ(backend->reminders(), (std::vector<reminder_row>{{ids::kick_off, ids::olga, "30min", now},
                                                             {ids::kick_off, ids::mia, "30min", now}}));
  now += 5min;
  EXPECT_EQ(remind(), (job_counts{{"already", 2}}));
  EXPECT_EQ(backend->events().size(), 2u);
}

TEST_P(nudge_contract, a_meeting_is_near_from_half_an_hour_ahead_until_it_starts) {
  struct look {
    duration before_start;
    bool near;
  };
  for (auto& [before, near] :
       {look{30min + 1ms, false}, {30min, true}, {1ms, true}, {0ms, false}, {-1min, false}}) {
    now = kick_off_at - before;
    auto request = meetings();
    request.chunk.dry_run = true;
    EXPECT_EQ(value_of(store.nudges.remind_of_meetings(request)).counts.empty(), !near)
        << before.count() << " ms";
  }
}

TEST_P(nudge_contract, how_far_ahead_and_its_slack_can_be_chosen) {
  now = kick_off_at - 45min;
  auto request = meetings();
  request.ahead = 45min;
  request.slack = 0min;
  backend->leave_reminder({ids::kick_off, ids::mia, "30min", now - 1ms});
  EXPECT_EQ(value_of(store.nudges.remind_of_meetings(request)).counts,
            (job_counts{{"created", 1}, {"moved", 1}}));
  EXPECT_EQ(payload_of(backend->events().at(0)).integer("reminder_minutes"), 45);
}

TEST_P(nudge_contract, who_declined_is_not_reminded) {
  platform_rows rows;
  rows.meeting_participants = {{make_id(13, 1), ids::kick_off, ids::max, "declined", false},
                               {make_id(13, 2), ids::kick_off, ids::ada, "tentative", false}};
  insert(rows, now);
  now = kick_off_at - 10min;
  EXPECT_EQ(remind(), (job_counts{{"created", 3}, {"declined", 1}}));
}

TEST_P(nudge_contract, a_meeting_that_is_off_or_over_reminds_nobody) {
  now = kick_off_at - 10min;
  for (auto status : {"cancelled", "completed"}) {
    backend->set_meeting_status(ids::kick_off, status);
    EXPECT_EQ(remind(), job_counts{}) << status;
  }
}

TEST_P(nudge_contract, a_meeting_that_was_moved_after_its_reminder_reminds_again) {
  now = kick_off_at - 20min;
  EXPECT_EQ(remind(), (job_counts{{"created", 2}}));
  backend->move_meeting(ids::kick_off, kick_off_at + 24h);
  EXPECT_EQ(remind(), job_counts{});
  now += 24h;
  EXPECT_EQ(remind(), (job_counts{{"moved", 2}}));
  EXPECT_EQ(remind(), (job_counts{{"already", 2}}));
  auto events = backend->events();
  ASSERT_EQ(events.size(), 4u);
  EXPECT_EQ(payload_of(events[3]).text("start_time"), "2026-01-21T17:30:45.000Z");
  EXPECT_EQ(backend->reminders(), (std::vector<reminder_row>{{ids::kick_off, ids::olga, "30min", now},
                                                             {ids::kick_off, ids::mia, "30min", now}}));
}

TEST_P(nudge_contract, a_reminder_of_another_program_counts_unless_it_was_for_an_earlier_start) {
  backend->leave_reminder({ids::kick_off, ids::olga, "30min", kick_off_at - 35min});
  backend->leave_reminder({ids::kick_off, ids::mia, "30min", kick_off_at - 35min - 1ms});
  now = kick_off_at - 30min;
  EXPECT_EQ(remind(), (job_counts{{"already", 1}, {"moved", 1}}));
}

TEST_P(nudge_contract, a_reminder_of_another_kind_does_not_count) {
  backend->leave_reminder({ids::kick_off, ids::olga, "15min", kick_off_at - 30min});
  now = kick_off_at - 25min;
  EXPECT_EQ(remind(), (job_counts{{"created", 2}}));
}

TEST_P(nudge_contract, system_accounts_are_not_reminded) {
  now = kick_off_at - 10min;
  auto request = meetings();
  request.excluded = {ids::nobody, ids::mia};
  EXPECT_EQ(value_of(store.nudges.remind_of_meetings(request)).counts,
            (job_counts{{"created", 1}, {"system", 1}}));
  EXPECT_EQ(backend->reminders().size(), 1u);
}

TEST_P(nudge_contract, a_meeting_without_project_and_link_reminds_too) {
  platform_rows rows;
  rows.meetings = {{make_id(12, 1), "Call \"x\" & <y>", t0 + 10min, 30, {}, ids::olga, {}, "scheduled"}};
  rows.meeting_participants = {{make_id(13, 1), make_id(12, 1), ids::max, "pending", false}};
  insert(rows, now);
  EXPECT_EQ(remind(), (job_counts{{"created", 1}}));
  auto event = backend->events().at(0);
  EXPECT_FALSE(event.project_id);
  EXPECT_EQ(payload_of(event).text("meeting_title"), "Call \"x\" & <y>");
  EXPECT_TRUE(payload_of(event).json().at("meeting_link").is_null());
}

} // namespace herald::test
