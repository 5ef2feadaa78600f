// The jobs that Herald takes the place of, at work on the same events and e-mails at the same time: their
// statements, in their order, each a transaction of its own, between and beside Herald's calls.
// docs/cutover.md has what follows from it.
#include <algorithm>
#include <barrier>
#include <deque>
#include <fstream>
#include <functional>
#include <future>
#include <iterator>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <span>
#include <vector>

#include "tests/postgres/postgres_fixture.hpp"
#include "tests/support/sql_platform.hpp"
#include "tests/support/store_world.hpp"

namespace herald::test {

namespace {

using namespace std::chrono_literals;

constexpr auto lease = duration{60s};

const std::vector<uuid>& everybody() {
  static const auto out = std::vector{ids::olga, ids::oskar, ids::mia};
  return out;
}

std::int64_t integer(const postgres::rows& x, int row, int column) {
  return std::stoll(std::string{x.text(row, column)});
}

// -- the jobs before Herald ---------------------------------------------------------------------------------

/// One run of a job: what it will do next, statement by statement. Destroying it in between is a kill.
class old_run {
public:
  explicit old_run(const postgres_options& options)
      : db{postgres::connection::open(options).value()}, text_db{options} {}

  /// The next statement. False when the run is over.
  bool step(timestamp now) {
    if (remaining.empty())
      return false;
    auto next = std::move(remaining.front());
    remaining.pop_front();
    next(now);
    return true;
  }

protected:
  using statement = std::function<void(timestamp)>;

  void append(statement x) { remaining.push_back(std::move(x)); }

  /// What one statement has found out to be next, before all the rest.
  void insert_next(std::vector<statement> xs) {
    remaining.insert(remaining.begin(), std::make_move_iterator(xs.begin()),
                     std::make_move_iterator(xs.end()));
  }

  postgres::connection db; ///< for what may be refused
  sql_session text_db;     ///< for what has to succeed
  std::deque<statement> remaining;
};

/// The fan-out: looks for events that nobody has a row of, takes each by inserting the row, writes recipient
/// by recipient, and marks the event as completed without a look at who holds it now.
class fan_out_run final : public old_run {
public:
  explicit fan_out_run(const postgres_options& options) : old_run{options} {
    append([this](timestamp) { poll(); });
  }

  /// Events it was offered.
  std::set<std::int64_t> offered;
  std::set<std::int64_t> taken;
  /// Since when it holds the event that it is at work on.
  std::optional<timestamp> holds_since;

private:
  void poll() {
    auto x = text_db.run("SELECT id, event_type FROM get_pending_notification_events(500)");
    for (auto i = 0; i < x.size(); ++i) {
      auto id = integer(x, i, 0);
      auto chat = x.text(i, 1) == "chat_message_sent";
      offered.insert(id);
      append([this, id, chat](timestamp now) { claim(id, chat, now); });
    }
  }

  void claim(std::int64_t id, bool chat, timestamp now) {
    auto done =
        db.run("INSERT INTO notification_processing (event_id, processing_status, processor_id, claimed_at)"
               " VALUES ($1, 'processing', 'gcp-notify-fan-out', $2)",
               {sql_value{id}.get(), sql_value{now}.get()});
    if (done.has_error()) {
      EXPECT_EQ(db.sqlstate(), "23505") << done.error().reason;
      return;
    }
    taken.insert(id);
    holds_since = now;
    if (chat)
      start_chat(id);
    else
      insert_next({[this, id](timestamp) { start_document(id); }});
  }

  void start_document(std::int64_t id) {
    auto x = text_db.run("SELECT user_id FROM notifications WHERE event_id = $1", id);
    std::set<std::string> noted;
    for (auto i = 0; i < x.size(); ++i)
      noted.insert(std::string{x.text(i, 0)});
    std::vector<statement> next;
    for (auto& user : everybody()) {
      if (noted.contains(to_string(user)))
        continue;
      next.push_back([this, id, user](timestamp) {
        text_db.run("INSERT INTO notifications (user_id, event_id, title, payload)"
                    " VALUES ($1, $2, 'Uploaded', '{\"type\":\"document_uploaded\"}')",
                    user, id);
      });
      next.push_back([this, id, user](timestamp) {
        text_db.run("INSERT INTO pending_emails (user_id, event_id, event_type, delivery_type, subject, "
                    "body_data, status)"
                    " VALUES ($1, $2, 'document_uploaded', 'aggregated', 'Uploaded', '{}', 'pending')"
                    " ON CONFLICT (event_id, user_id) DO UPDATE SET event_type = excluded.event_type,"
                    " delivery_type = excluded.delivery_type, subject = excluded.subject,"
                    " body_data = excluded.body_data, status = excluded.status",
                    user, id);
      });
    }
    next.push_back(completing(id));
    insert_next(std::move(next));
  }

  void start_chat(std::int64_t id) {
    std::vector<statement> next;
    for (auto& user : everybody())
      next.push_back([this, id, user](timestamp) { look_for_unread(id, user); });
    next.push_back(completing(id));
    insert_next(std::move(next));
  }

  void look_for_unread(std::int64_t id, const uuid& user) {
    auto x = text_db.run(
        "SELECT n.id FROM (SELECT id, payload FROM notifications WHERE user_id = $1 AND read_at IS NULL"
        " ORDER BY created_at DESC LIMIT 50) n WHERE n.payload ->> 'type' = 'thread_activity'"
        " AND n.payload ->> 'thread_id' = $2",
        user, to_string(ids::closing_thread));
    if (x.size() > 0) {
      auto row = integer(x, 0, 0);
      insert_next({[this, row](timestamp) { text_db.run("SELECT increment_notification_count($1)", row); }});
      return;
    }
    insert_next({[this, id, user](timestamp) {
      text_db.run(
          "INSERT INTO notifications (user_id, event_id, title, payload) VALUES ($1, $2, 'New messages',"
          " jsonb_build_object('type', 'thread_activity', 'count', 1, 'thread_id', $3::text, 'thread_name',"
          " '#Closing', 'project_name', 'Tower'))",
          user, id, to_string(ids::closing_thread));
    }});
  }

  statement completing(std::int64_t id) {
    return [this, id](timestamp now) {
      text_db.run("UPDATE notification_processing SET processing_status = 'completed', completed_at = $2"
                  " WHERE event_id = $1",
                  id, now);
      holds_since.reset();
    };
  }
};

/// The mailer: reads what is pending, takes each row on the condition that it still is, sends, marks it as
/// sent. The hourly one takes a whole batch before it sends the first digest.
class mail_run final : public old_run {
public:
  mail_run(const postgres_options& options, std::string delivery)
      : old_run{options}, delivery_{std::move(delivery)} {
    append([this](timestamp) { poll(); });
  }

  std::vector<std::int64_t> sent;

private:
  void poll() {
    auto x = text_db.run("SELECT id FROM pending_emails WHERE status = 'pending' AND delivery_type = $1"
                         " ORDER BY created_at LIMIT 500",
                         delivery_);
    for (auto i = 0; i < x.size(); ++i)
      append([this, id = integer(x, i, 0)](timestamp) { claim(id); });
  }

  void claim(std::int64_t id) {
    auto x = text_db.run(
        "UPDATE pending_emails SET status = 'processing' WHERE id = $1 AND status = 'pending' RETURNING id",
        id);
    if (x.size() == 0)
      return;
    auto send = [this, id](timestamp) { sent.push_back(id); };
    auto mark = [this, id](timestamp now) {
      text_db.run("UPDATE pending_emails SET status = 'sent', processed_at = $2 WHERE id = $1", id, now);
    };
    if (delivery_ == "immediate") {
      insert_next({send, mark});
    } else {
      append(send);
      append(mark);
    }
  }

  std::string delivery_;
};

// -- Herald -------------------------------------------------------------------------------------------------

std::unique_ptr<postgres_store> open_store(const postgres_options& options) {
  auto out = open_postgres_store(options);
  if (out.has_error())
    throw std::runtime_error(to_string(out.error()));
  return std::move(*out);
}

/// Claims in one step and commits in the next. Destroying it in between is a kill.
class herald_fan_out {
public:
  herald_fan_out(const postgres_options& options, std::string name, std::uint32_t limit = 3)
      : store_{open_store(options)}, name_{std::move(name)}, limit_{limit} {}

  claimed_batch claim(timestamp now, duration max_age = 24h) {
    claim_request x;
    x.worker = name_;
    x.limit = limit_;
    x.now = now;
    x.lease = lease;
    x.max_age = max_age;
    held_ = store_->claim(x).value();
    for (auto& event : held_.events)
      taken.insert(event.event.id);
    return held_;
  }

  commit_report commit(timestamp now) {
    plan_batch batch;
    for (auto& x : held_.events)
      batch.plans.push_back(plan(x));
    held_.events.clear();
    return settle(std::move(batch), now);
  }

  /// Settles what is held as having failed.
  void fail(timestamp now, std::optional<timestamp> retry_at) {
    commit_request x;
    x.worker = name_;
    x.now = now;
    for (auto& held : held_.events) {
      event_failure lost;
      lost.claim = held.ref();
      lost.event_type = held.event.type;
      lost.why = {failure_class::transient, "no luck"};
      x.failures.push_back({std::move(lost), retry_at});
    }
    held_.events.clear();
    store_->commit(x).value();
  }

  void hand_back(timestamp now) { store_->release({name_, now, {}}).value(); }

  /// False when there was nothing to do.
  bool step(timestamp now) {
    if (!held_.events.empty()) {
      commit(now);
      return true;
    }
    return !claim(now).events.empty();
  }

  postgres_store& store() { return *store_; }

  std::set<std::int64_t> taken;

private:
  static fan_out_plan plan(const claimed_event& x) {
    fan_out_plan out;
    out.claims = {x.ref()};
    out.event_type = x.event.type;
    if (x.event.type == "chat_message_sent") {
      out.roll_ups = {{ids::closing_thread, "#Closing", "Tower", "/chat", everybody()}};
    } else {
      out.notifications = {{"Uploaded", "", "/", R"({"type":"document_uploaded"})", everybody(), ""}};
      out.emails = {{std::nullopt, "", "Uploaded", "{}", {}, everybody()}};
    }
    return out;
  }

  commit_report settle(plan_batch batch, timestamp now) {
    commit_request x;
    x.worker = name_;
    x.now = now;
    x.batches = {std::make_shared<const plan_batch>(std::move(batch))};
    return store_->commit(x).value();
  }

  std::unique_ptr<postgres_store> store_;
  std::string name_;
  std::uint32_t limit_;
  claimed_batch held_;
};

/// Opens a digest window, claims, seals, and records that the provider has accepted: a step each.
class herald_mailer {
public:
  herald_mailer(const postgres_options& options, std::string name)
      : store_{open_store(options)}, name_{std::move(name)} {}

  /// False when a whole round has found nothing.
  bool step(timestamp now) {
    if (!sealed_.empty()) {
      record(now);
    } else if (!mails_.empty()) {
      seal(now);
    } else if (window_next_) {
      window_next_ = false;
      store_->open_window({now, now}).value();
    } else {
      window_next_ = true;
      claim(now);
      return !mails_.empty();
    }
    return true;
  }

  std::vector<std::int64_t> sent;

private:
  void claim(timestamp now) {
    outbox_claim_request x;
    x.worker = name_;
    x.now = now;
    x.lease = lease;
    x.max_open = 10'000;
    x.mails = 4;
    x.digest_share = 2;
    // An envelope's room is what lets mails be claimed; none is due, because nobody here gives one up.
    x.envelopes = 1;
    mails_ = store_->claim_outbox(x).value().mails;
  }

  void seal(timestamp now) {
    seal_request x;
    x.worker = name_;
    x.now = now;
    x.lease = lease;
    for (auto& mail : mails_) {
      envelope_draft draft;
      draft.mails = {mail.ref()};
      draft.lane = mail.mail.lane;
      draft.endpoint = email_endpoint::single;
      draft.idempotency_key = "mail-" + std::to_string(mail.mail.id);
      draft.body = "{}";
      x.envelopes.push_back(std::move(draft));
      for (auto& row : mail.mail.rows)
        rows_[mail.mail.id].push_back(row.id);
    }
    sealed_ = store_->seal(x).value().envelopes;
    mails_.clear();
  }

  void record(timestamp now) {
    record_request x;
    x.worker = name_;
    x.now = now;
    for (auto& envelope : sealed_) {
      envelope_outcome out;
      out.envelope_id = envelope->id;
      out.claim_no = envelope->claim_no;
      out.fate = envelope_fate::settled;
      for (auto id : envelope->mail_ids) {
        out.mails.push_back({id, "re_" + std::to_string(id), {}});
        sent.insert(sent.end(), rows_[id].begin(), rows_[id].end());
      }
      x.outcomes.push_back(std::move(out));
    }
    sealed_.clear();
    store_->record(x).value();
  }

  std::unique_ptr<postgres_store> store_;
  std::string name_;
  bool window_next_ = true;
  std::vector<claimed_mail> mails_;
  std::vector<sealed_envelope_ptr> sealed_;
  std::map<std::int64_t, std::vector<std::int64_t>> rows_;
};

// -- the tests ----------------------------------------------------------------------------------------------

class side_by_side_test : public testing::Test {
protected:
  void SetUp() override {
    if (!postgres_server::installed())
      GTEST_SKIP() << "PostgreSQL is not installed";
    database.emplace();
    sql_platform{options()}.insert_platform_rows(make_world(), t0).value();
    side_door.emplace(options());
    // The old jobs' search goes by the database's clock, so the test's starts there.
    now = from_epoch_ms(number("SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint"));
  }

  postgres_options options() const {
    postgres_options out;
    out.url = database->url();
    return out;
  }

  std::int64_t number(const std::string& sql) { return integer(side_door->run(sql), 0, 0); }

  void emit(std::size_t n, std::string type = "document_uploaded", duration age = 0s) {
    new_event event;
    event.type = std::move(type);
    event.created_at = now - age;
    ASSERT_TRUE(open_store(options())->insert_events(std::vector<new_event>(n, event), now));
  }

  std::int64_t emit_one(duration age = 0s) {
    emit(1, "document_uploaded", age);
    return number("SELECT max(id) FROM domain_events");
  }

  /// A run that takes everything there is to take and dies in the middle of the last event.
  void kill_a_run_after(int statements, timestamp at) {
    fan_out_run run{options()};
    for (auto i = 0; i < statements; ++i)
      ASSERT_TRUE(run.step(at));
  }

  std::set<std::int64_t> offered_to_old_jobs() {
    fan_out_run run{options()};
    run.step(now);
    return run.offered;
  }

  /// What a whole run takes.
  std::set<std::int64_t> taken_by_an_old_run() {
    fan_out_run run{options()};
    while (run.step(now)) {
    }
    return run.taken;
  }

  void drain() {
    herald_fan_out last{options(), "last"};
    while (last.step(now)) {
    }
  }

  void expect_everybody_once(std::int64_t documents) {
    auto people = static_cast<std::int64_t>(everybody().size());
    EXPECT_EQ(number("SELECT count(*) FROM notification_processing WHERE processing_status <> 'completed'"),
              0);
    EXPECT_EQ(number("SELECT count(*) FROM domain_events"),
              number("SELECT count(*) FROM notification_processing"));
    EXPECT_EQ(number("SELECT count(*) FROM (SELECT FROM notifications GROUP BY event_id, user_id HAVING "
                     "count(*) > 1) x"),
              0)
        << "notified twice of the same event";
    EXPECT_EQ(number("SELECT count(*) FROM notifications WHERE payload ->> 'type' = 'document_uploaded'"),
              documents * people);
    EXPECT_EQ(number("SELECT count(*) FROM pending_emails"), documents * people);
  }

  std::int64_t counted_messages() {
    return number("SELECT coalesce(sum((payload ->> 'count')::integer), 0) FROM notifications"
                  " WHERE payload ->> 'type' = 'thread_activity'");
  }

  /// As a fan-out leaves them, Herald's or the old one: an immediate and two aggregated ones of each event.
  void queue_emails(std::size_t events) {
    emit(events);
    side_door->run(
        "INSERT INTO pending_emails (user_id, event_id, event_type, delivery_type, subject, body_data,"
        " created_at) SELECT u.id, e.id, e.event_type, CASE u.n WHEN 1 THEN 'immediate' ELSE 'aggregated' "
        "END,"
        " 'x', '{}', e.created_at FROM domain_events e, unnest($1::uuid[]) WITH ORDINALITY u (id, n)"
        " WHERE NOT EXISTS (SELECT FROM pending_emails p WHERE p.event_id = e.id)",
        "{" + to_string(ids::olga) + "," + to_string(ids::oskar) + "," + to_string(ids::mia) + "}");
    now += 1s;
  }

  void expect_each_sent_once(std::vector<std::int64_t> sent) {
    std::sort(sent.begin(), sent.end());
    EXPECT_EQ(std::adjacent_find(sent.begin(), sent.end()), sent.end()) << "sent by two";
    EXPECT_EQ(static_cast<std::int64_t>(sent.size()), number("SELECT count(*) FROM pending_emails"));
    EXPECT_EQ(number("SELECT count(*) FROM pending_emails WHERE status <> 'sent'"), 0);
  }

  /// What Herald makes of a call while the old job's statement is under way, which ends when the call waits.
  template <class Call> auto while_it_is_under_way(const std::string& statement, Call call) {
    sql_session old_job{options()};
    old_job.run("BEGIN");
    old_job.run(statement);
    auto out = std::async(std::launch::async, call);
    constexpr auto waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND"
                             " wait_event_type = 'Lock'";
    while (out.wait_for(0s) != std::future_status::ready && number(waiting) == 0) {
    }
    old_job.run("COMMIT");
    return out.get();
  }

  std::optional<test_database> database;
  std::optional<sql_session> side_door;
  timestamp now = t0;
};

// -- events -------------------------------------------------------------------------------------------------

TEST_F(side_by_side_test, in_whatever_order_their_statements_come_nobody_is_notified_twice) {
  std::int64_t documents = 0;
  std::int64_t messages = 0;
  std::int64_t kills = 0;
  std::int64_t old_share = 0;
  std::int64_t new_share = 0;
  for (auto seed = 1u; seed <= 6; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 dice{seed};
    emit(6);
    emit(4, "chat_message_sent");
    documents += 6;
    messages += 4;
    std::vector<std::unique_ptr<fan_out_run>> old_runs(2);
    std::vector<std::unique_ptr<herald_fan_out>> heralds(2);
    auto replace_old = [&](std::size_t i) {
      if (old_runs[i])
        old_share += static_cast<std::int64_t>(old_runs[i]->taken.size());
      kills += old_runs[i] && old_runs[i]->holds_since ? 1 : 0;
      old_runs[i] = std::make_unique<fan_out_run>(options());
    };
    for (auto i = 0; i < 160; ++i) {
      auto which = dice() % 2;
      switch (dice() % 16) {
      case 0:
        replace_old(which);
        break;
      case 1:
        if (heralds[which])
          new_share += static_cast<std::int64_t>(heralds[which]->taken.size());
        heralds[which].reset();
        break;
      case 2: {
        now += std::chrono::seconds{dice() % 40};
        // Nothing is promised for one that is at work on an event for longer than a lease.
        for (std::size_t k = 0; k < old_runs.size(); ++k)
          if (old_runs[k] && old_runs[k]->holds_since && now - *old_runs[k]->holds_since >= lease)
            replace_old(k);
        break;
      }
      case 3:
      case 4:
        if (!heralds[which])
          heralds[which] = std::make_unique<herald_fan_out>(options(), "herald-" + std::to_string(dice()));
        heralds[which]->step(now);
        break;
      default:
        if (!old_runs[which] || !old_runs[which]->step(now))
          replace_old(which);
      }
    }
    replace_old(0);
    replace_old(1);
    heralds.clear();
    now += 10min;
    drain();
    expect_everybody_once(documents);
    if (HasFailure())
      return;
  }
  auto people = static_cast<std::int64_t>(everybody().size());
  EXPECT_GE(counted_messages(), messages * people) << "a message was not counted";
  // Counting up leaves no trace of the event, so that what a killed run had counted is counted once more.
  EXPECT_LE(counted_messages(), messages * people + kills * people);
  EXPECT_GT(kills, 0);
  EXPECT_GT(old_share, 0);
  EXPECT_GT(new_share, 0);
}

TEST_F(side_by_side_test, at_the_same_time_they_share_the_events_and_count_every_message) {
  emit(60);
  emit(40, "chat_message_sent");
  std::barrier start{4};
  auto old_job = [&] {
    std::set<std::int64_t> taken;
    for (auto first = true; true; first = false) {
      fan_out_run run{options()};
      // The first event is taken before the race, so that each has a share for certain.
      while (first && run.taken.empty() && run.step(now)) {
      }
      if (first)
        start.arrive_and_wait();
      while (run.step(now)) {
      }
      taken.insert(run.taken.begin(), run.taken.end());
      if (run.taken.empty())
        return taken;
    }
  };
  auto herald = [&](const std::string& name) {
    herald_fan_out x{options(), name};
    x.claim(now);
    start.arrive_and_wait();
    while (x.step(now)) {
    }
    return x.taken;
  };
  auto shares = std::vector<std::future<std::set<std::int64_t>>>{};
  shares.push_back(std::async(std::launch::async, old_job));
  shares.push_back(std::async(std::launch::async, old_job));
  shares.push_back(std::async(std::launch::async, herald, "herald-1"));
  shares.push_back(std::async(std::launch::async, herald, "herald-2"));
  std::size_t total = 0;
  for (auto& x : shares) {
    auto taken = x.get();
    EXPECT_FALSE(taken.empty());
    total += taken.size();
  }
  drain();
  EXPECT_EQ(total, 100u) << "an event was taken by two";
  expect_everybody_once(60);
  EXPECT_EQ(counted_messages(), 40 * static_cast<std::int64_t>(everybody().size()));
}

TEST_F(side_by_side_test, an_event_that_the_old_job_is_just_taking_is_left_to_it) {
  auto id = std::to_string(emit_one());
  herald_fan_out herald{options(), "herald"};
  auto claimed = while_it_is_under_way(
      "INSERT INTO notification_processing (event_id, processing_status, claimed_at) VALUES (" + id
          + ", 'processing', now())",
      [&] { return herald.claim(now); });
  EXPECT_TRUE(claimed.events.empty());
  EXPECT_EQ(number("SELECT count(*) FROM notification_processing WHERE herald_claim_no IS NULL"), 1);
}

TEST_F(side_by_side_test, what_a_killed_run_left_is_taken_over_after_the_lease_and_not_before) {
  auto id = emit_one();
  // Poll, claim, look, and the first of three people.
  kill_a_run_after(5, now);
  auto since = from_epoch_ms(number("SELECT ceil(extract(epoch FROM greatest(claimed_at, created_at)) * "
                                    "1000)::bigint FROM notification_processing"));
  herald_fan_out herald{options(), "herald"};
  EXPECT_TRUE(herald.claim(since + lease - 2ms).events.empty());
  auto taken = herald.claim(since + lease).events;
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_EQ(taken.front().event.id, id);
  now = since + lease;
  auto done = herald.commit(now);
  EXPECT_EQ(done.notifications, everybody().size() - 1) << "the first has one already";
  expect_everybody_once(1);
}

TEST_F(side_by_side_test, a_clock_of_the_old_machine_that_is_behind_makes_no_claim_old) {
  emit_one();
  kill_a_run_after(2, now - 8h);
  herald_fan_out herald{options(), "herald"};
  EXPECT_TRUE(herald.claim(now + 1s).events.empty()) << "the run may well be at work";
  EXPECT_EQ(herald.claim(now + 10min).events.size(), 1u);
}

TEST_F(side_by_side_test, an_event_that_herald_has_a_row_of_is_never_taken_by_the_old_job) {
  emit(4);
  std::vector<std::int64_t> ids;
  auto claim_one = [&](const std::string& name) {
    auto out = std::make_unique<herald_fan_out>(options(), name, 1);
    ids.push_back(out->claim(now).events.at(0).event.id);
    return out;
  };
  auto held = claim_one("holds");
  claim_one("retries")->fail(now, now + 1h);
  claim_one("buries")->fail(now, std::nullopt);
  // Last, because it would be claimed again.
  claim_one("stops")->hand_back(now);
  EXPECT_EQ(offered_to_old_jobs(), std::set{ids[2]})
      << "dead letters are offered, and refused to whoever asks";
  EXPECT_EQ(taken_by_an_old_run(), std::set<std::int64_t>{});
  now += 2 * lease;
  EXPECT_EQ(taken_by_an_old_run(), std::set<std::int64_t>{}) << "nor when a lease has run out";
}

TEST_F(side_by_side_test, a_leftover_too_old_for_herald_is_not_given_back_to_the_old_job) {
  auto id = emit_one(2h);
  kill_a_run_after(5, now);
  herald_fan_out herald{options(), "herald"};
  auto later = now + 10min;
  EXPECT_TRUE(herald.claim(later, 1h).events.empty());
  EXPECT_TRUE(offered_to_old_jobs().empty());
  EXPECT_EQ(herald.claim(later + 30h, 1h).expired, 1u)
      << id << " is accounted for when the old job ignores it, too";
}

// -- roll back ----------------------------------------------------------------------------------------------

std::string read_source(const std::string& name) {
  std::ifstream in{std::string{HERALD_SOURCE_DIR} + "/" + name};
  return {std::istreambuf_iterator<char>{in}, {}};
}

class side_by_side_roll_back_test : public side_by_side_test {
protected:
  /// One event that Herald had not begun, one that a killed run had begun and Herald has taken over.
  void stop_herald_in_the_middle() {
    begun = emit_one();
    kill_a_run_after(5, now);
    now += 10min;
    waiting = emit_one();
    herald_fan_out herald{options(), "herald"};
    ASSERT_EQ(herald.claim(now).events.size(), 2u);
    herald.hand_back(now);
    ASSERT_TRUE(offered_to_old_jobs().empty());
  }

  void run_script(const std::string& sql) {
    auto db = postgres::connection::open(options()).value();
    auto done = db.run_script(sql);
    ASSERT_FALSE(done.has_error()) << done.error().reason;
  }

  void expect_old_jobs_go_on() {
    EXPECT_EQ(taken_by_an_old_run(), std::set{waiting});
    EXPECT_EQ(number("SELECT count(*) FROM (SELECT FROM notifications GROUP BY event_id, user_id HAVING "
                     "count(*) > 1) x"),
              0);
    EXPECT_EQ(number("SELECT count(*) FROM notification_processing WHERE processing_status = 'processing'"),
              1)
        << "what a killed run had begun stays as it left it";
  }

  std::int64_t begun = 0;
  std::int64_t waiting = 0;
};

/// The statements in the manual's chapter on going back.
std::string statements_of_the_manual() {
  auto manual = read_source("docs/cutover.md");
  auto chapter = manual.find("## Roll back");
  auto begin = chapter == std::string::npos ? chapter : manual.find("```sql\n", chapter);
  if (begin == std::string::npos)
    throw std::runtime_error("the manual does not say how to go back");
  begin += 7;
  return manual.substr(begin, manual.find("```", begin) - begin);
}

TEST_F(side_by_side_roll_back_test, the_manuals_statements_give_the_old_job_what_herald_had_not_begun) {
  stop_herald_in_the_middle();
  run_script(statements_of_the_manual());
  expect_old_jobs_go_on();
}

TEST_F(side_by_side_roll_back_test, the_manuals_statements_give_the_mailers_what_herald_had_not_sealed) {
  queue_emails(3);
  std::vector<std::int64_t> sent;
  {
    herald_mailer sends{options(), "sends"};
    // A window, and one claim of four mails that goes all the way.
    for (auto i = 0; i < 4; ++i)
      sends.step(now);
    sent = sends.sent;
    herald_mailer stops{options(), "stops"};
    stops.step(now);
    stops.step(now);
  }
  ASSERT_FALSE(sent.empty());
  ASSERT_EQ(number("SELECT count(*) FROM pending_emails WHERE status = 'processing'"),
            number("SELECT count(*) FROM pending_emails") - static_cast<std::int64_t>(sent.size()));
  run_script(statements_of_the_manual());
  for (auto delivery : {"immediate", "aggregated"}) {
    mail_run run{options(), delivery};
    while (run.step(now)) {
    }
    sent.insert(sent.end(), run.sent.begin(), run.sent.end());
  }
  // Herald comes back, and has nothing left to send of what it gave away.
  now += 1h;
  herald_mailer again{options(), "again"};
  while (again.step(now)) {
  }
  sent.insert(sent.end(), again.sent.begin(), again.sent.end());
  expect_each_sent_once(sent);
}

TEST_F(side_by_side_roll_back_test, so_does_the_downgrade) {
  stop_herald_in_the_middle();
  run_script(read_source("deploy/sql/herald/downgrade.sql"));
  expect_old_jobs_go_on();
}

// -- e-mail -------------------------------------------------------------------------------------------------

TEST_F(side_by_side_test, in_whatever_order_their_statements_come_no_e_mail_is_sent_by_both) {
  std::vector<std::int64_t> sent;
  std::size_t old_share = 0;
  for (auto seed = 1u; seed <= 12; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 dice{seed};
    queue_emails(6);
    std::vector<std::unique_ptr<mail_run>> old_runs;
    for (auto delivery : {"immediate", "immediate", "aggregated"})
      old_runs.push_back(std::make_unique<mail_run>(options(), delivery));
    std::vector<std::unique_ptr<herald_mailer>> heralds;
    for (auto name : {"herald-1", "herald-2"})
      heralds.push_back(std::make_unique<herald_mailer>(options(), name));
    for (auto i = 0; i < 60; ++i) {
      now += 1s;
      if (auto which = dice() % 8; which < heralds.size())
        heralds[which]->step(now);
      else
        old_runs[dice() % old_runs.size()]->step(now);
    }
    for (auto& x : old_runs) {
      while (x->step(now)) {
      }
      sent.insert(sent.end(), x->sent.begin(), x->sent.end());
      old_share += x->sent.size();
    }
    now += 1s;
    for (auto& x : heralds) {
      while (x->step(now)) {
      }
      sent.insert(sent.end(), x->sent.begin(), x->sent.end());
    }
    expect_each_sent_once(sent);
    if (HasFailure())
      return;
  }
  EXPECT_GT(old_share, 0u);
  EXPECT_GT(sent.size(), old_share);
}

TEST_F(side_by_side_test, at_the_same_time_they_share_the_e_mails) {
  queue_emails(60);
  std::barrier start{5};
  auto old_job = [&](const std::string& delivery) {
    mail_run run{options(), delivery};
    run.step(now);
    start.arrive_and_wait();
    while (run.step(now)) {
    }
    return run.sent;
  };
  auto herald = [&](const std::string& name) {
    herald_mailer x{options(), name};
    start.arrive_and_wait();
    while (x.step(now)) {
    }
    return x.sent;
  };
  auto shares = std::vector<std::future<std::vector<std::int64_t>>>{};
  for (auto delivery : {"immediate", "immediate", "aggregated"})
    shares.push_back(std::async(std::launch::async, old_job, delivery));
  for (auto name : {"herald-1", "herald-2"})
    shares.push_back(std::async(std::launch::async, herald, name));
  std::vector<std::int64_t> sent;
  for (auto& x : shares) {
    auto share = x.get();
    sent.insert(sent.end(), share.begin(), share.end());
  }
  expect_each_sent_once(std::move(sent));
}

TEST_F(side_by_side_test, a_digest_leaves_out_what_an_old_mailer_is_just_taking) {
  queue_emails(1);
  auto store = open_store(options());
  auto opened = while_it_is_under_way(
      "UPDATE pending_emails SET status = 'processing' WHERE status = 'pending' AND id = (SELECT max(id) FROM"
      " pending_emails WHERE delivery_type = 'aggregated')",
      [&] {
        return store->open_window({now, now}).value();
      });
  EXPECT_EQ(opened.rows, 1u) << "of two";
}

TEST_F(side_by_side_test, an_e_mail_that_a_killed_mailer_had_taken_waits_for_a_person) {
  queue_emails(1);
  {
    mail_run run{options(), "immediate"};
    run.step(now);
    run.step(now);
  }
  now += 24h;
  herald_mailer herald{options(), "herald"};
  while (herald.step(now)) {
  }
  EXPECT_EQ(herald.sent.size(), 2u) << "the digest rows";
  EXPECT_EQ(number("SELECT count(*) FROM pending_emails WHERE status = 'processing'"), 1)
      << "nobody can tell whether the provider has it";
  side_door->run("UPDATE pending_emails SET status = 'pending' WHERE status = 'processing'");
  while (herald.step(now)) {
  }
  while (herald.step(now)) {
  }
  expect_each_sent_once(herald.sent);
}

} // namespace

} // namespace herald::test
