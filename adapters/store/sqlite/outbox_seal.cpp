// Sealing: what is to be sent is stored as the bytes of its request before anybody sends it.
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "adapters/store/sqlite/envelopes.hpp"
#include "adapters/store/sqlite/json_list.hpp"
#include "adapters/store/sqlite/outbox.hpp"

namespace herald::sqlite {

namespace {

constexpr std::string_view select_held = R"(
  SELECT m.id, m.claim_no
  FROM json_each(?1) w CROSS JOIN herald_mails m ON m.id = w.value
  WHERE m.state = 'claimed' AND m.worker = ?2)";

constexpr std::string_view select_withdrawn = R"(
  SELECT DISTINCT r.mail_id
  FROM json_each(?1) w CROSS JOIN herald_mail_rows r ON r.mail_id = w.value
  WHERE r.state = 'member' AND NOT EXISTS (SELECT 1 FROM pending_emails e WHERE e.id = r.email_id))";

constexpr std::string_view end_row = R"(
  UPDATE herald_mail_rows SET state = ?3, reason = ?4 WHERE email_id = ?1 AND mail_id = ?2 AND state = 'member')";

constexpr std::string_view fail_email = R"(
  UPDATE pending_emails SET status = 'failed', processed_at = ?2 WHERE id = ?1)";

// A mail without rows to send ends like its rows: failed if any of them failed.
constexpr std::string_view end_mails = R"(
  UPDATE herald_mails SET
    state = iif(EXISTS (SELECT 1 FROM herald_mail_rows r WHERE r.mail_id = herald_mails.id AND r.state = 'failed'),
      'failed', 'skipped'),
    reason = (SELECT r.reason FROM herald_mail_rows r WHERE r.mail_id = herald_mails.id
      ORDER BY r.state = 'failed' DESC, r.email_id LIMIT 1),
    lease_until = NULL, updated_at = ?2
  WHERE id IN (SELECT value FROM json_each(?1))
    AND NOT EXISTS (SELECT 1 FROM herald_mail_rows r WHERE r.mail_id = herald_mails.id AND r.state = 'member'))";

constexpr std::string_view free_mails = R"(
  UPDATE herald_mails SET state = 'open', worker = '', lease_until = NULL, updated_at = ?2
  WHERE id IN (SELECT value FROM json_each(?1)))";

class sealer {
public:
  sealer(database& db, const seal_request& request)
      : db_{db}, request_{request}, tx_{db, transaction::mode::write} {}

  sealed_batch run() {
    read_claims();
    end_rows();
    for (auto& x : request_.envelopes)
      seal(x);
    if (!freed_.empty())
      db_.run(free_mails, to_json_list(freed_), request_.now);
    tx_.commit();
    return std::move(out_);
  }

private:
  void read_claims() {
    std::set<std::int64_t> ids;
    for (auto& x : request_.ended)
      ids.insert(x.mail.mail_id);
    for (auto& envelope : request_.envelopes)
      for (auto& x : envelope.mails)
        ids.insert(x.mail_id);
    auto list = to_json_list(ids);
    for (auto x = db_.query(select_held, list, request_.worker); x.step();)
      held_[x.integer(0)] = x.small_integer(1);
    for (auto x = db_.query(select_withdrawn, list); x.step();)
      withdrawn_.insert(x.integer(0));
  }

  bool holds(const mail_ref& x) const {
    auto found = held_.find(x.mail_id);
    return found != held_.end() && found->second == x.claim_no;
  }

  void end_rows() {
    std::set<std::int64_t> mails;
    for (auto& x : request_.ended) {
      if (!holds(x.mail) || db_.run(end_row, x.row_id, x.mail.mail_id, to_string(x.ending), x.reason) == 0)
        continue;
      db_.run(fail_email, x.row_id, request_.now);
      ++(x.ending == row_ending::skipped ? out_.skipped : out_.failed);
      mails.insert(x.mail.mail_id);
    }
    if (!mails.empty())
      db_.run(end_mails, to_json_list(mails), request_.now);
  }

  void seal(const envelope_draft& x) {
    auto sealable = true;
    for (auto& mail : x.mails)
      if (!holds(mail) || withdrawn_.contains(mail.mail_id)) {
        sealable = false;
        ++out_.lost;
      }
    if (!sealable) {
      // The bytes hold a mail that must not go out. The others are free to be sealed without it.
      for (auto& mail : x.mails)
        if (holds(mail))
          freed_.push_back(mail.mail_id);
      return;
    }
    if (auto id = insert_envelope(db_, x, request_.now); id != 0) {
      lease_new_envelope(db_, id, request_.worker, request_.now, request_.lease);
      out_.envelopes.push_back(to_envelope(x, id));
    } else {
      out_.parked += x.mails.size();
    }
  }

  sealed_envelope_ptr to_envelope(const envelope_draft& x, std::int64_t id) const {
    sealed_envelope out;
    out.id = id;
    out.endpoint = x.endpoint;
    out.lane = x.lane;
    out.idempotency_key = x.idempotency_key;
    out.body = x.body;
    for (auto& mail : x.mails)
      out.mail_ids.push_back(mail.mail_id);
    out.claim_no = 1;
    out.lease_until = request_.now + request_.lease;
    return std::make_shared<const sealed_envelope>(std::move(out));
  }

  database& db_;
  const seal_request& request_;
  transaction tx_;
  std::map<std::int64_t, std::int32_t> held_;
  std::set<std::int64_t> withdrawn_;
  std::vector<std::int64_t> freed_;
  sealed_batch out_;
};

} // namespace

sealed_batch seal_envelopes(database& db, const seal_request& request) {
  return sealer{db, request}.run();
}

} // namespace herald::sqlite
