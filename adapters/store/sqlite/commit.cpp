#include "adapters/store/sqlite/commit.hpp"

#include <utility>

#include "adapters/store/sqlite/attempts.hpp"
#include "adapters/store/sqlite/claim_fence.hpp"
#include "adapters/store/sqlite/commit_facts.hpp"
#include "adapters/store/sqlite/json_list.hpp"
#include "adapters/store/sqlite/outcome_ledger.hpp"
#include "adapters/store/sqlite/roll_up_ledger.hpp"
#include "core/reasons.hpp"

namespace herald::sqlite {

namespace {

constexpr std::string_view insert_notification = R"(
  INSERT INTO notifications (user_id, event_id, title, body, link_url, created_at, payload)
  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7))";

constexpr std::string_view insert_email = R"(
  INSERT INTO pending_emails (user_id, delivery_type, event_id, event_type, project_id, project_name, subject,
    body_data, created_at)
  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
  ON CONFLICT (event_id, user_id) DO NOTHING)";

constexpr std::string_view take_key = R"(
  INSERT INTO herald_once (unique_key, channel, user_id, event_id) VALUES (?1, ?2, ?3, ?4)
  ON CONFLICT DO NOTHING)";

constexpr std::string_view complete_events = R"(
  UPDATE notification_processing
  SET processing_status = 'completed', completed_at = ?2, error_message = ?3, herald_error_class = NULL,
    herald_lease_until = NULL, herald_next_attempt_at = NULL
  WHERE event_id IN (SELECT value FROM json_each(?1)))";

constexpr std::string_view fail_event = R"(
  UPDATE notification_processing
  SET processing_status = ?2, herald_next_attempt_at = ?3, retry_count = retry_count + ?4,
    herald_crashes = coalesce(herald_crashes, 0) + ?5, error_message = ?6, herald_error_class = ?7,
    herald_lease_until = NULL
  WHERE event_id = ?1)";

std::optional<std::string_view> or_null(const std::string& x) {
  return x.empty() ? std::nullopt : std::optional<std::string_view>{x};
}

std::vector<std::int64_t> events_of(const commit_request& request) {
  std::vector<std::int64_t> out;
  for (auto& batch : request.batches)
    for (auto& plan : batch->plans)
      for (auto& claim : plan.claims)
        out.push_back(claim.event_id);
  for (auto& x : request.failures)
    out.push_back(x.failure.claim.event_id);
  return out;
}

class committer {
public:
  committer(database& db, const commit_request& request)
      : db_{db}, request_{request}, tx_{db, transaction::mode::write},
        fence_{db, request.worker, events_of(request)}, facts_{db, request}, roll_ups_{db} {}

  commit_report run() {
    for (auto& batch : request_.batches)
      for (auto& plan : batch->plans)
        settle(plan);
    roll_ups_.write(request_.now);
    if (!completed_.empty())
      db_.run(complete_events, to_json_list(completed_), request_.now, nullptr);
    release_events(db_, torn_, request_.now, "another event of the same burst is settled elsewhere");
    for (auto& x : request_.failures)
      settle(x);
    tx_.commit();
    return report_;
  }

private:
  // -- plans ------------------------------------------------------------------------------------------------

  void settle(const fan_out_plan& plan) {
    if (plan.claims.empty())
      return;
    if (holds_all(plan)) {
      write(plan);
      complete(plan);
    } else {
      give_up(plan);
    }
    for (auto& claim : plan.claims)
      fence_.settle(claim);
  }

  bool holds_all(const fan_out_plan& plan) const {
    for (auto& claim : plan.claims)
      if (!fence_.holds(claim))
        return false;
    return true;
  }

  void give_up(const fan_out_plan& plan) {
    for (auto& claim : plan.claims)
      if (fence_.holds(claim))
        torn_.push_back(claim.event_id);
    report_.lost += plan.claims.size();
  }

  void write(const fan_out_plan& plan) {
    auto first = plan.claims.front().event_id;
    auto outcomes = outcome_ledger{db_, first};
    write_notifications(plan, first, outcomes);
    count_roll_ups(plan, first, outcomes);
    queue_emails(plan, first, outcomes);
    for (auto& x : plan.skips)
      for (auto& user : x.users)
        skip(outcomes, x.channel, x.reason, user);
    outcomes.write();
    for (std::size_t i = 1; i < plan.claims.size(); ++i)
      write_merged(plan, plan.claims[i].event_id, first);
  }

  void write_notifications(const fan_out_plan& plan, std::int64_t event_id, outcome_ledger& outcomes) {
    auto row = db_.prepare(insert_notification);
    for (auto& x : plan.notifications) {
      row.set(2, event_id).set(3, x.title).set(4, or_null(x.body)).set(5, or_null(x.link_url));
      row.set(6, request_.now).set(7, x.payload);
      for (auto& user : x.users) {
        if (is_gone(outcomes, channel::in_app, user)
            || is_repeated(outcomes, channel::in_app, x.unique_key, user, event_id))
          continue;
        if (!facts_.has_notification(event_id, user)) {
          row.set(1, user).run();
          ++report_.notifications;
        }
        outcomes.add(channel::in_app, outcome::notified, user);
      }
    }
  }

  void count_roll_ups(const fan_out_plan& plan, std::int64_t event_id, outcome_ledger& outcomes) {
    for (auto& x : plan.roll_ups)
      for (auto& user : x.users)
        if (!is_gone(outcomes, channel::in_app, user))
          count_roll_up(x, user, event_id, outcomes);
  }

  void count_roll_up(const roll_up_draft& x, const uuid& user, std::int64_t event_id,
                     outcome_ledger& outcomes) {
    if (facts_.has_notification(event_id, user)) {
      outcomes.add(channel::in_app, outcome::notified, user);
      return;
    }
    auto place = roll_ups_.count(user, x, event_id);
    if (place.started)
      outcomes.add(channel::in_app, outcome::notified, user);
    else
      outcomes.add_rolled_up(channel::in_app, place.into_event_id, user);
    ++(place.started ? report_.notifications : report_.rolled_up);
  }

  void queue_emails(const fan_out_plan& plan, std::int64_t event_id, outcome_ledger& outcomes) {
    auto row = db_.prepare(insert_email);
    row.set(3, event_id).set(4, plan.event_type).set(9, request_.now);
    for (auto& x : plan.emails) {
      row.set(5, facts_.existing_project(x.project_id)).set(6, or_null(x.project_name));
      row.set(7, x.subject).set(8, x.body_data);
      for (auto& [delivery, users] : {std::pair{"immediate", &x.immediate}, {"aggregated", &x.aggregated}})
        for (auto& user : *users)
          if (!is_gone(outcomes, channel::email, user)
              && !is_repeated(outcomes, channel::email, x.unique_key, user, event_id))
            queue_email(row, delivery, user, outcomes);
    }
  }

  void queue_email(statement& row, std::string_view delivery, const uuid& user, outcome_ledger& outcomes) {
    auto inserted = row.set(1, user).set(2, delivery).run() == 1;
    report_.emails += inserted ? 1 : 0;
    // Not inserted: this plan has queued one before, or an earlier worker that died half-way has.
    if (!inserted && outcomes.has(channel::email, outcome::queued, user))
      skip(outcomes, channel::email, reasons::duplicate, user);
    else
      outcomes.add(channel::email, outcome::queued, user);
  }

  /// A further event of a burst: everybody it concerns finds it in the rows of the first.
  void write_merged(const fan_out_plan& plan, std::int64_t event_id, std::int64_t first) {
    auto outcomes = outcome_ledger{db_, event_id};
    for (auto& x : plan.notifications)
      merge(outcomes, channel::in_app, x.users, first);
    for (auto& x : plan.roll_ups)
      merge(outcomes, channel::in_app, x.users, first);
    for (auto& x : plan.emails) {
      merge(outcomes, channel::email, x.immediate, first);
      merge(outcomes, channel::email, x.aggregated, first);
    }
    outcomes.write();
  }

  void merge(outcome_ledger& outcomes, channel where, const std::vector<uuid>& users, std::int64_t into) {
    for (auto& user : users) {
      if (is_gone(outcomes, where, user))
        continue;
      outcomes.add_rolled_up(where, into, user);
      ++report_.rolled_up;
    }
  }

  bool is_gone(outcome_ledger& outcomes, channel where, const uuid& user) {
    if (facts_.has_profile(user))
      return false;
    skip(outcomes, where, reasons::no_profile, user);
    return true;
  }

  /// Whether another event has said the same to this user before; if not, this one does.
  bool is_repeated(outcome_ledger& outcomes, channel where, const std::string& unique_key, const uuid& user,
                   std::int64_t event_id) {
    if (unique_key.empty() || db_.run(take_key, unique_key, to_string(where), user, event_id) == 1)
      return false;
    skip(outcomes, where, reasons::duplicate, user);
    return true;
  }

  void skip(outcome_ledger& outcomes, channel where, std::string_view reason, const uuid& user) {
    outcomes.add_skipped(where, reason, user);
    ++report_.skipped;
  }

  void complete(const fan_out_plan& plan) {
    report_.completed += plan.claims.size();
    std::vector<std::int64_t> ids;
    for (auto& claim : plan.claims)
      ids.push_back(claim.event_id);
    if (plan.warning.empty())
      completed_.insert(completed_.end(), ids.begin(), ids.end());
    else
      db_.run(complete_events, to_json_list(ids), request_.now, plan.warning);
  }

  // -- failures ---------------------------------------------------------------------------------------------

  void settle(const settled_failure& x) {
    auto& claim = x.failure.claim;
    if (!fence_.holds(claim)) {
      ++report_.lost;
      return;
    }
    auto kind = x.failure.why.kind;
    record_endings(db_, std::span{&claim.event_id, 1}, request_.now,
                   {"failed", to_string(kind), x.failure.why.reason});
    db_.run(fail_event, claim.event_id, std::string_view{x.retry_at ? "pending" : "failed"}, x.retry_at,
            kind == failure_class::outage ? 0 : 1, kind == failure_class::crash ? 1 : 0, x.failure.why.reason,
            to_string(kind));
    ++(x.retry_at ? report_.retried : report_.dead);
    fence_.settle(claim);
  }

  // -- member variables -------------------------------------------------------------------------------------

  database& db_;
  const commit_request& request_;
  transaction tx_;
  claim_fence fence_;
  commit_facts facts_;
  roll_up_ledger roll_ups_;
  std::vector<std::int64_t> completed_;
  /// Events whose claim holds, in plans of which another claim does not.
  std::vector<std::int64_t> torn_;
  commit_report report_;
};

} // namespace

commit_report commit_plans(database& db, const commit_request& request) {
  return committer{db, request}.run();
}

} // namespace herald::sqlite
