// What the e-mail stages ask of a store and what it answers: digest windows, claims, sealed envelopes,
// outcomes.
//
// A row of the outbox (`pending_emails`) belongs to exactly one mail; a mail is one message to one person and
// belongs to at most one envelope at a time; an envelope is one provider request.
//
//   row ──claim (immediate) or window (digest)──► mail ──seal──► envelope ──record──► sent | failed | parked
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "messages/context.hpp"
#include "messages/email.hpp"
#include "messages/event.hpp"
#include "messages/failure.hpp"

namespace herald {

// -- digest windows -----------------------------------------------------------------------------------------

/// Fixes which rows belong to the digests of one window: every aggregated row that was created before
/// `window_at` and belongs to none yet. The first call for a window decides for all replicas; later ones
/// change nothing.
struct open_window_request {
  timestamp window_at{};
  timestamp now{};
};

template <class Inspector> auto inspect(Inspector& f, open_window_request& x) {
  auto at = to_epoch_ms(x.window_at);
  return f(at);
}

struct window_report {
  bool opened = false; ///< this call was the first one
  std::uint64_t digests = 0;
  std::uint64_t rows = 0;
};

template <class Inspector> auto inspect(Inspector& f, window_report& x) {
  return f(x.opened, x.digests, x.rows);
}

// -- claim --------------------------------------------------------------------------------------------------

/// Asks for e-mail work: envelopes that are due for an attempt first, then mails to be sealed.
struct outbox_claim_request {
  std::string worker;
  timestamp now{};
  duration lease{120'000};
  /// At most this many envelopes.
  std::uint32_t envelopes = 0;
  /// No mail is handed out while this many envelopes (of all replicas) are sealed and unsent.
  std::uint32_t max_open = 0;
  /// At most this many mails, immediate ones first; digests always get a share when they wait.
  std::uint32_t mails = 0;
  /// Of `mails`: at least this many are digests if so many wait.
  std::uint32_t digest_share = 0;
  /// Which mails are wanted; envelopes are handed out whatever they hold.
  bool immediate = true;
  bool digests = true;
  /// Reads immediate rows without claiming or writing anything; then `after_id` pages through the rows.
  bool dry_run = false;
  std::int64_t after_id = 0;
};

template <class Inspector> auto inspect(Inspector& f, outbox_claim_request& x) {
  return f(x.worker, x.envelopes, x.mails, x.dry_run);
}

/// A worker's right to settle one mail; with the worker's id it is the fence, as claim_ref is for events.
struct mail_ref {
  std::int64_t mail_id = 0;
  std::int32_t claim_no = 0;

  friend bool operator==(const mail_ref&, const mail_ref&) = default;
};

struct claimed_mail {
  email_mail mail;
  std::int32_t claim_no = 0;
  /// How often a person has sent the mail on its way again; part of its idempotency key.
  std::int32_t generation = 0;

  mail_ref ref() const { return {mail.id, claim_no}; }
};

/// What is needed to render mails and to check that they are still true, as of the claim.
struct email_context {
  /// The world of the rows' events, as their handlers would see it now, but without `nudges`: the
  /// notification that belongs to a mail would count as an earlier nudge.
  batch_context world;
  std::map<std::int64_t, domain_event> events; ///< by id
  /// For thread_unread_stale: messages by others that the user has not read, by (thread, user).
  std::map<std::pair<uuid, uuid>, std::uint64_t> unread;
  /// For resume_incomplete_nudge: percent complete, by (project, resume_type).
  std::map<std::pair<uuid, std::string>, std::int64_t> completeness;
};

/// The store's answer.
struct claimed_outbox {
  std::vector<sealed_envelope_ptr> envelopes;
  std::vector<claimed_mail> mails;
  std::shared_ptr<const email_context> context;
  /// Names the database; part of idempotency keys, because ids start over in a new one.
  std::string installation;
  /// Envelopes of all replicas that are sealed and unsent, those above included.
  std::uint64_t open = 0;
  /// When the next retry, lease or (by now closed) digest falls due, if any does.
  std::optional<timestamp> next_due;
  /// More mails wait than were asked for.
  bool more = false;
};

using claimed_outbox_ptr = std::shared_ptr<const claimed_outbox>;

std::string to_string(const claimed_outbox_ptr& x);

// -- seal ---------------------------------------------------------------------------------------------------

/// An envelope before it is stored. All its mails must still be ours, or it is not sealed.
struct envelope_draft {
  email_endpoint endpoint = email_endpoint::single;
  email_lane lane = email_lane::immediate;
  std::string idempotency_key;
  std::string body;
  std::vector<mail_ref> mails;
};

/// Why a row is not sent.
enum class row_ending : std::uint8_t {
  skipped, ///< its reason no longer holds, or a preference keeps it back
  failed,  ///< it can never be sent
};

std::string_view to_string(row_ending x);

struct ended_row {
  mail_ref mail;
  std::int64_t row_id = 0;
  row_ending ending = row_ending::skipped;
  std::string reason;
};

/// One transaction: ends rows, stores envelopes and leases them to `worker`, so that it may send them.
/// A mail whose last row ends here ends with it.
struct seal_request {
  std::string worker;
  timestamp now{};
  duration lease{120'000};
  std::vector<ended_row> ended;
  std::vector<envelope_draft> envelopes;
};

using seal_request_ptr = std::shared_ptr<const seal_request>;

std::string to_string(const seal_request_ptr& x);

struct sealed_batch {
  std::vector<sealed_envelope_ptr> envelopes;
  std::uint64_t skipped = 0; ///< rows
  std::uint64_t failed = 0;  ///< rows
  /// Mails whose claim was no longer ours, or whose row was withdrawn by the platform. The others of their
  /// envelope are free to be claimed again.
  std::uint64_t lost = 0;
  /// Mails whose key was used before: they may have been sent, a person has to look.
  std::uint64_t parked = 0;
};

using sealed_batch_ptr = std::shared_ptr<const sealed_batch>;

std::string to_string(const sealed_batch_ptr& x);

// -- record -------------------------------------------------------------------------------------------------

/// What became of one mail of an envelope.
struct mail_verdict {
  std::int64_t mail_id = 0;
  /// The provider's id; empty when the mail was refused.
  std::string provider_id;
  /// Why it was refused.
  std::string reason;
};

/// What becomes of an envelope after (or without) an attempt.
enum class envelope_fate : std::uint8_t {
  settled,  ///< the provider has spoken about every mail
  retry,    ///< same bytes, same key, at `retry_at`; the attempt is counted
  deferred, ///< as retry, but not counted: it was not attempted, or the provider was not ready for it
  parked,   ///< nobody may send it again before a person has looked
  split,    ///< refused as a whole with nothing accepted: `parts` take its place
};

std::string_view to_string(envelope_fate x);

struct envelope_outcome {
  std::int64_t envelope_id = 0;
  std::int32_t claim_no = 0;
  envelope_fate fate = envelope_fate::deferred;
  std::vector<mail_verdict> mails; ///< for settled: every mail once
  failure why;                     ///< for retry, deferred and parked
  timestamp retry_at{};            ///< for retry and deferred
  /// For retry and deferred: since when the provider may know the key; nothing if it cannot know it yet.
  std::optional<timestamp> first_attempt_at;
  std::vector<envelope_draft> parts; ///< for split; their claim numbers are not looked at
};

struct record_request {
  std::string worker;
  timestamp now{};
  std::vector<envelope_outcome> outcomes;
  /// Forget the bodies of envelopes that end here. They hold personal data.
  bool purge = true;
};

using record_request_ptr = std::shared_ptr<const record_request>;

std::string to_string(const record_request_ptr& x);

/// What a record changed, in mails unless it says otherwise.
struct record_report {
  std::uint64_t immediate = 0; ///< sent
  std::uint64_t digests = 0;   ///< sent
  std::uint64_t merged = 0;    ///< rows that went out in a digest together with others
  std::uint64_t failed = 0;
  std::uint64_t parked = 0;
  std::uint64_t retried = 0; ///< envelopes
  std::uint64_t lost = 0;    ///< envelopes whose claim was no longer ours

  record_report& operator+=(const record_report& x);
  friend bool operator==(const record_report&, const record_report&) = default;
};

template <class Inspector> auto inspect(Inspector& f, record_report& x) {
  return f(x.immediate, x.digests, x.merged, x.failed, x.parked, x.retried, x.lost);
}

/// Hands back the mails that the worker has claimed and not sealed. Its envelopes keep their leases: whoever
/// has one tells the store what became of it.
struct outbox_release_request {
  std::string worker;
  timestamp now{};
};

template <class Inspector> auto inspect(Inspector& f, outbox_release_request& x) {
  return f(x.worker);
}

/// Forgets the bodies of envelopes that ended before `ended_before`.
struct purge_request {
  timestamp ended_before{};
};

template <class Inspector> auto inspect(Inspector& f, purge_request& x) {
  auto at = to_epoch_ms(x.ended_before);
  return f(at);
}

// -- senders ------------------------------------------------------------------------------------------------

/// One sender's word to all that send through the same provider.
struct sender_report {
  std::string worker;
  timestamp now{};
  /// It counts as one of them until now + lease.
  duration lease{30'000};
  /// Mails that the provider may have accepted since its last report. One that is repeated because its answer was
  /// lost counts twice: too many rather than too few.
  std::int64_t mails = 0;
};

template <class Inspector> auto inspect(Inspector& f, sender_report& x) {
  return f(x.worker, x.mails);
}

struct sender_share {
  /// How many send now, the one who asks included.
  std::uint32_t senders = 1;
  /// What all of them reported for this day (UTC).
  std::int64_t mails_today = 0;
};

template <class Inspector> auto inspect(Inspector& f, sender_share& x) {
  return f(x.senders, x.mails_today);
}

// -- operator's view ----------------------------------------------------------------------------------------

/// How the outbox stands, in rows of `pending_emails` unless it says otherwise. Every row is in exactly one
/// of pending, deferred, claimed, sealed, sent, merged, skipped, failed and parked.
struct outbox_summary {
  std::uint64_t rows = 0;     ///< rows that Herald has taken up or that wait
  std::uint64_t pending = 0;  ///< immediate, unclaimed
  std::uint64_t deferred = 0; ///< waiting for a digest window
  std::uint64_t claimed = 0;  ///< in a mail that is not sealed yet
  std::uint64_t sealed = 0;
  std::uint64_t sent = 0;   ///< alone in their mail
  std::uint64_t merged = 0; ///< in a digest of several rows
  std::uint64_t skipped = 0;
  std::uint64_t failed = 0;
  std::uint64_t parked = 0;
  std::map<std::string, std::uint64_t> reasons; ///< of skipped and failed rows, by `state:reason`

  std::uint64_t immediate_mails = 0; ///< mails accepted by the provider
  std::uint64_t digest_mails = 0;
  std::uint64_t open_envelopes = 0; ///< sealed and unsent

  bool adds_up() const {
    return rows == pending + deferred + claimed + sealed + sent + merged + skipped + failed + parked;
  }
};

/// A mail that ended without being sent, or that waits for a person.
struct stuck_mail {
  std::int64_t mail_id = 0;
  uuid user_id{};
  std::string state; ///< failed or parked
  std::string lane;
  std::vector<std::int64_t> row_ids;
  std::string reason;
  timestamp at{};
};

/// A message that the capture transport kept instead of sending it.
struct captured_message {
  std::string id; ///< what a provider would have answered
  std::string idempotency_key;
  email_message message;
  timestamp captured_at{};
};

} // namespace herald
