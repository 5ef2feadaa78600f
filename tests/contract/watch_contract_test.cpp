// Calendar watches: which are due, and what their renewal may write.
#include "tests/contract/watch_contract.hpp"

namespace herald::test {

namespace {

std::vector<uuid> ids_of(const due_watches& x) {
  std::vector<uuid> out;
  for (auto& watch : x.watches)
    out.push_back(watch.connection_id);
  return out;
}

} // namespace

// -- due ----------------------------------------------------------------------------------------------------

TEST_P(watch_contract, a_due_watch_comes_with_all_that_its_renewal_needs) {
  add({connection_no(1)});
  record({planning(1, "planned")});
  record({troubled(1, "no", "fingerprint")});
  auto list = due().watches;
  ASSERT_EQ(list.size(), 1u);
  auto& x = list[0];
  EXPECT_EQ(x.connection_id, connection_id(1));
  EXPECT_EQ(x.access_token.reveal(), "access 1");
  EXPECT_EQ(x.refresh_token.reveal(), "refresh 1");
  EXPECT_EQ(x.token_expires_at, t0 + std::chrono::hours{1});
  EXPECT_NE(x.calendar_list.find("a@example.com"), std::string::npos);
  EXPECT_EQ(x.channel_id, "channel 1");
  EXPECT_EQ(x.resource_id, "resource 1");
  EXPECT_EQ(x.expires_at, t0 + std::chrono::hours{12});
  EXPECT_EQ(x.planned_channels, std::vector<std::string>{"planned"});
  EXPECT_EQ(x.refused_token, "fingerprint");
}

TEST_P(watch_contract, only_channels_of_google_with_synchronisation_on_that_expire_soon_are_due) {
  std::vector<connection_row> rows;
  for (std::uint8_t n = 1; n <= 9; ++n)
    rows.push_back(connection_no(n));
  rows[1].provider = "microsoft";
  rows[2].sync_enabled = false;
  rows[3].watch_channel_id.reset();
  rows[4].watch_channel_id = "";
  rows[5].watch_expiration.reset();
  rows[6].watch_expiration = now + day;
  rows[7].watch_expiration = now + day - duration{1};
  rows[8].watch_expiration = now - 30 * day;
  add(rows);
  EXPECT_EQ(ids_of(due()), (std::vector{connection_id(1), connection_id(8), connection_id(9)}));
}

TEST_P(watch_contract, due_watches_come_page_by_page) {
  add({connection_no(3), connection_no(1), connection_no(2)});
  EXPECT_EQ(ids_of(due(std::nullopt, 2)), (std::vector{connection_id(1), connection_id(2)}));
  EXPECT_EQ(ids_of(due(connection_id(2), 2)), (std::vector{connection_id(3)}));
  EXPECT_TRUE(due(connection_id(3), 2).watches.empty());
}

TEST_P(watch_contract, a_connection_that_lacks_its_tokens_is_due_as_well) {
  auto x = connection_no(1);
  x.access_token.reset();
  x.refresh_token.reset();
  x.token_expires_at.reset();
  x.watch_resource_id.reset();
  x.calendar_list = "[]";
  add({x});
  auto list = due().watches;
  ASSERT_EQ(list.size(), 1u);
  EXPECT_TRUE(list[0].access_token.empty());
  EXPECT_TRUE(list[0].refresh_token.empty());
  EXPECT_FALSE(list[0].token_expires_at);
  EXPECT_TRUE(list[0].resource_id.empty());
  EXPECT_EQ(list[0].calendar_list, "[]");
  EXPECT_TRUE(list[0].planned_channels.empty());
}

// -- recording ----------------------------------------------------------------------------------------------

TEST_P(watch_contract, new_tokens_are_kept) {
  add({connection_no(1), connection_no(2)});
  EXPECT_TRUE(record({refreshing(1, "new access", "new refresh"), refreshing(2, "new access", "")}).empty());
  EXPECT_EQ(row(1).access_token, "new access");
  EXPECT_EQ(row(1).refresh_token, "new refresh");
  EXPECT_EQ(row(1).token_expires_at, t0 + 2 * day);
  EXPECT_EQ(row(1).watch_channel_id, "channel 1");
  EXPECT_EQ(row(2).access_token, "new access");
  EXPECT_EQ(row(2).refresh_token, "refresh 2");
}

TEST_P(watch_contract, tokens_that_came_of_a_grant_that_was_replaced_are_lost_with_all_that_came_with_them) {
  add({connection_no(1), connection_no(2), connection_no(3)});
  backend->set_tokens(connection_id(1), "by the person", "by the person");
  backend->set_tokens(connection_id(2), std::nullopt, std::nullopt);
  auto x = refreshing(1, "new access", "new refresh");
  x.planned = "new";
  x.failed = troubled(1, "no").failed;
  EXPECT_EQ(record({x, refreshing(2, "new access", ""), refreshing(3, "new access", "")}),
            (std::vector{connection_id(1), connection_id(2)}));
  EXPECT_EQ(row(1).access_token, "by the person");
  EXPECT_EQ(row(1).refresh_token, "by the person");
  EXPECT_EQ(row(1).token_expires_at, connection_no(1).token_expires_at);
  EXPECT_FALSE(backend->watch(connection_id(1)));
  EXPECT_FALSE(row(2).access_token);
  EXPECT_EQ(row(3).access_token, "new access");
}

TEST_P(watch_contract, tokens_that_were_recorded_before_are_recorded_again) {
  add({connection_no(1)});
  EXPECT_TRUE(record({refreshing(1, "new access", "new refresh")}).empty());
  EXPECT_TRUE(record({refreshing(1, "new access", "new refresh")}).empty());
  EXPECT_EQ(row(1).refresh_token, "new refresh");
}

TEST_P(watch_contract, a_plan_is_kept_before_the_channel_exists) {
  add({connection_no(1)});
  EXPECT_TRUE(record({planning(1, "first try")}).empty());
  EXPECT_EQ(kept(1), (watch_row{"first try", "", "", ""}));
  EXPECT_EQ(row(1).watch_channel_id, "channel 1");
}

TEST_P(watch_contract, the_newest_five_plans_are_kept_each_once) {
  add({connection_no(1), connection_no(2)});
  record({planning(1, "a"), planning(2, "other")});
  for (auto plan : {"b", "c", "c", "a", "d", "e"})
    EXPECT_TRUE(record({planning(1, plan)}).empty());
  auto list = due().watches;
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0].planned_channels, (std::vector<std::string>{"b", "c", "a", "d", "e"}));
  EXPECT_EQ(list[1].planned_channels, (std::vector<std::string>{"other"}));
  record({planning(1, "f")});
  EXPECT_EQ(kept(1).planned_channel, "c,a,d,e,f");
}

TEST_P(watch_contract, a_new_channel_ends_its_plan_and_forgets_troubles) {
  add({connection_no(1), connection_no(2)});
  record({planning(1, "new")});
  record({troubled(1, "it did not work", "fingerprint")});
  auto x = creating(1, "new", "channel 1");
  x.token = refreshing(1, "new access", "").token;
  EXPECT_TRUE(record({x, creating(2, "other", "channel 2")}).empty());
  EXPECT_EQ(row(1).watch_channel_id, "new");
  EXPECT_EQ(row(1).watch_resource_id, "new resource");
  EXPECT_EQ(row(1).watch_expiration, t0 + 7 * day);
  EXPECT_EQ(row(1).access_token, "new access");
  EXPECT_EQ(kept(1), (watch_row{"", "", "", ""}));
  EXPECT_EQ(row(2).watch_channel_id, "other");
  EXPECT_TRUE(due().watches.empty());
}

TEST_P(watch_contract, a_channel_that_was_recorded_before_is_recorded_again) {
  add({connection_no(1)});
  EXPECT_TRUE(record({creating(1, "new", "channel 1")}).empty());
  EXPECT_TRUE(record({creating(1, "new", "channel 1")}).empty());
  EXPECT_EQ(row(1).watch_channel_id, "new");
}

TEST_P(watch_contract, a_channel_that_takes_the_place_of_another_one_is_lost_with_all_that_came_with_it) {
  add({connection_no(1), connection_no(2), connection_no(3)});
  record({planning(1, "new")});
  backend->set_channel(connection_id(1), "by somebody else");
  backend->set_channel(connection_id(2), std::nullopt);
  auto x = creating(1, "new", "channel 1");
  x.token = refreshing(1, "new access", "new refresh").token;
  x.failed = troubled(1, "no", "fingerprint").failed;
  auto before = row(1);
  EXPECT_EQ(record({x, creating(2, "new", "channel 2"), planning(3, "third")}),
            (std::vector{connection_id(1), connection_id(2)}));
  EXPECT_EQ(row(1).watch_channel_id, "by somebody else");
  EXPECT_EQ(row(1).access_token, before.access_token);
  EXPECT_EQ(row(1).watch_expiration, before.watch_expiration);
  EXPECT_EQ(kept(1), (watch_row{"new", "", "", ""}));
  EXPECT_FALSE(row(2).watch_channel_id);
  EXPECT_EQ(kept(3).planned_channel, "third");
}

TEST_P(watch_contract, a_connection_that_is_gone_is_lost) {
  add({connection_no(1), connection_no(2)});
  record({planning(1, "new")});
  backend->delete_connection(connection_id(1));
  EXPECT_FALSE(backend->watch(connection_id(1)));
  EXPECT_EQ(record({planning(1, "new"), troubled(2, "no")}), std::vector{connection_id(1)});
  EXPECT_FALSE(backend->watch(connection_id(1)));
  EXPECT_EQ(kept(2).error, "no");
}

TEST_P(watch_contract, troubles_are_kept_and_cut) {
  add({connection_no(1)});
  record({planning(1, "new")});
  std::string reason;
  for (auto n = 0; n < 501; ++n)
    reason += "é";
  EXPECT_TRUE(record({troubled(1, reason, "fingerprint")}).empty());
  EXPECT_EQ(kept(1), (watch_row{"new", "fingerprint", "permanent", reason.substr(0, 1'000)}));
  EXPECT_TRUE(record({troubled(1, "another")}).empty());
  EXPECT_EQ(kept(1), (watch_row{"new", "", "permanent", "another"}));
}

TEST_P(watch_contract, a_trouble_that_comes_with_a_new_channel_is_newer) {
  add({connection_no(1)});
  auto x = creating(1, "new", "channel 1");
  x.failed = troubled(1, "the old one was not stopped").failed;
  EXPECT_TRUE(record({x}).empty());
  EXPECT_EQ(row(1).watch_channel_id, "new");
  EXPECT_EQ(kept(1).error, "the old one was not stopped");
}

TEST_P(watch_contract, nothing_is_written_for_a_run_that_is_no_longer_the_workers) {
  add({connection_no(1), connection_no(2)});
  auto updates = std::vector{creating(2, "new", "channel 2"), refreshing(1, "new access", "")};
  auto both = std::vector{connection_id(2), connection_id(1)};
  EXPECT_EQ(record(updates, "worker-2"), both);
  auto former = run();
  auto with_another_claim = run_ref{former.id, former.claim_no + 1};
  EXPECT_EQ(value_of(store.watches.record_watches({with_another_claim, "worker-1", now, updates})).lost,
            both);
  ASSERT_TRUE(finish(ending(former)));
  EXPECT_EQ(record(updates), both);
  EXPECT_EQ(row(1).access_token, "access 1");
  EXPECT_EQ(row(2).watch_channel_id, "channel 2");
}

TEST_P(watch_contract, nothing_to_record_is_fine) {
  EXPECT_TRUE(record({}).empty());
}

// -- how they stand -----------------------------------------------------------------------------------------

TEST_P(watch_contract, the_summary_counts_connections_of_google_with_synchronisation_on) {
  EXPECT_EQ(watches().connections, 0u);
  EXPECT_FALSE(watches().next_expiry);
  std::vector<connection_row> rows;
  for (std::uint8_t n = 1; n <= 7; ++n)
    rows.push_back(connection_no(n));
  rows[1].watch_expiration = now + minute;
  rows[2].watch_expiration = now;
  rows[3].watch_channel_id.reset();
  rows[4].provider = "apple";
  rows[5].sync_enabled = false;
  rows[6].watch_channel_id = "";
  add(rows);
  record({troubled(1, "refused", "fingerprint"), troubled(3, "no"), troubled(5, "no"), troubled(6, "no")});
  auto x = watches();
  EXPECT_EQ(x.connections, 5u);
  EXPECT_EQ(x.watched, 2u);
  EXPECT_EQ(x.expired, 1u);
  EXPECT_EQ(x.needs_reconnect, 1u);
  EXPECT_EQ(x.failing, 1u);
  EXPECT_EQ(x.next_expiry, now + minute);
}

TEST_P(watch_contract, a_renewal_that_succeeds_ends_the_need_to_connect_anew) {
  add({connection_no(1)});
  record({troubled(1, "refused", "fingerprint")});
  backend->set_tokens(connection_id(1), "by the person", "by the person");
  EXPECT_EQ(watches().needs_reconnect, 1u) << "only the next renewal can tell";
  record({creating(1, "new", "channel 1")});
  EXPECT_EQ(watches().needs_reconnect, 0u);
  EXPECT_EQ(row(1).refresh_token, "by the person");
}

} // namespace herald::test
