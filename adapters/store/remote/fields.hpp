// The keys of every struct that travels, once for both directions: `fields(f, x)` calls f(key, member) for
// each member.
#pragma once

#include <concepts>
#include <type_traits>

#include "adapters/store/remote/codec.hpp"

namespace herald::remote {

/// X is T, const or not: one list serves the encoder and the decoder.
template <class X, class T>
concept is = std::same_as<std::remove_const_t<X>, T>;

// -- events -------------------------------------------------------------------------------------------------

template <class F, is<domain_event> X> void fields(F& f, X& x) {
  f("id", x.id);
  f("type", x.type);
  f("actor_id", x.actor_id);
  f("project_id", x.project_id);
  f("resource_id", x.resource_id);
  f("thread_id", x.thread_id);
  f("meeting_id", x.meeting_id);
  f("payload", x.payload);
  f("created_at", x.created_at);
}

template <class F, is<claim_ref> X> void fields(F& f, X& x) {
  f("event_id", x.event_id);
  f("claim_no", x.claim_no);
}

template <class F, is<claimed_event> X> void fields(F& f, X& x) {
  f("event", x.event);
  f("claim_no", x.claim_no);
  f("attempts", x.attempts);
  f("crashes", x.crashes);
}

template <class F, is<new_event> X> void fields(F& f, X& x) {
  f("type", x.type);
  f("actor_id", x.actor_id);
  f("project_id", x.project_id);
  f("resource_id", x.resource_id);
  f("thread_id", x.thread_id);
  f("meeting_id", x.meeting_id);
  f("payload", x.payload);
  f("created_at", x.created_at);
}

template <class F, is<failure> X> void fields(F& f, X& x) {
  f("kind", x.kind);
  f("reason", x.reason);
}

// -- context ------------------------------------------------------------------------------------------------

template <class F, is<profile> X> void fields(F& f, X& x) {
  f("full_name", x.full_name);
  f("email", x.email);
}

template <class F, is<org> X> void fields(F& f, X& x) {
  f("name", x.name);
  f("owners", x.owners);
}

template <class F, is<project> X> void fields(F& f, X& x) {
  f("name", x.name);
  f("owner_org_id", x.owner_org_id);
  f("grantees", x.grantees);
}

template <class F, is<resource> X> void fields(F& f, X& x) {
  f("name", x.name);
  f("org_id", x.org_id);
  f("project_id", x.project_id);
  f("viewers", x.viewers);
}

template <class F, is<chat_thread> X> void fields(F& f, X& x) {
  f("topic", x.topic);
  f("project_id", x.project_id);
  f("participants", x.participants);
}

template <class F, is<meeting> X> void fields(F& f, X& x) {
  f("title", x.title);
  f("start_time", x.start_time);
  f("meeting_link", x.meeting_link);
  f("organizer_id", x.organizer_id);
  f("project_id", x.project_id);
  f("status", x.status);
  f("participants", x.participants);
}

template <class F, is<preference> X> void fields(F& f, X& x) {
  f("scope", x.scope);
  f("scope_id", x.scope_id);
  f("event_type", x.event_type);
  f("channel", x.channel);
  f("status", x.status);
}

template <class F, is<sent_nudge> X> void fields(F& f, X& x) {
  f("user_id", x.user_id);
  f("project_id", x.project_id);
  f("resume_type", x.resume_type);
  f("tier", x.tier);
  f("created_at", x.created_at);
}

template <class F, is<resume_edits> X> void fields(F& f, X& x) {
  f("project", x.project);
  f("borrower", x.borrower);
}

template <class F, is<batch_context> X> void fields(F& f, X& x) {
  f("now", x.now);
  f("profiles", x.profiles);
  f("orgs", x.orgs);
  f("projects", x.projects);
  f("resources", x.resources);
  f("threads", x.threads);
  f("meetings", x.meetings);
  f("preferences", x.preferences);
  f("edits", x.edits);
  f("nudges", x.nudges);
}

// -- claim --------------------------------------------------------------------------------------------------

template <class F, is<claim_request> X> void fields(F& f, X& x) {
  f("worker", x.worker);
  f("now", x.now);
  f("limit", x.limit);
  f("lease", x.lease);
  f("max_age", x.max_age);
  f("dry_run", x.dry_run);
  f("after_id", x.after_id);
}

template <class F, is<claimed_batch> X> void fields(F& f, X& x) {
  f("events", x.events);
  f("context", x.context);
  f("next_due", x.next_due);
  f("expired", x.expired);
}

template <class F, is<renew_request> X> void fields(F& f, X& x) {
  f("worker", x.worker);
  f("now", x.now);
  f("lease", x.lease);
  f("claims", x.claims);
}

template <class F, is<release_request> X> void fields(F& f, X& x) {
  f("worker", x.worker);
  f("now", x.now);
  f("claims", x.claims);
}

// -- commit -------------------------------------------------------------------------------------------------

template <class F, is<notification_draft> X> void fields(F& f, X& x) {
  f("title", x.title);
  f("body", x.body);
  f("link_url", x.link_url);
  f("payload", x.payload);
  f("users", x.users);
  f("unique_key", x.unique_key);
}

template <class F, is<roll_up_draft> X> void fields(F& f, X& x) {
  f("thread_id", x.thread_id);
  f("thread_label", x.thread_label);
  f("project_name", x.project_name);
  f("link_url", x.link_url);
  f("users", x.users);
}

template <class F, is<email_draft> X> void fields(F& f, X& x) {
  f("project_id", x.project_id);
  f("project_name", x.project_name);
  f("subject", x.subject);
  f("body_data", x.body_data);
  f("immediate", x.immediate);
  f("aggregated", x.aggregated);
  f("unique_key", x.unique_key);
}

template <class F, is<skipped> X> void fields(F& f, X& x) {
  f("channel", x.channel);
  f("reason", x.reason);
  f("users", x.users);
}

template <class F, is<fan_out_plan> X> void fields(F& f, X& x) {
  f("claims", x.claims);
  f("event_type", x.event_type);
  f("notifications", x.notifications);
  f("roll_ups", x.roll_ups);
  f("emails", x.emails);
  f("skips", x.skips);
  f("warning", x.warning);
}

/// Without its failures: the request has its own.
template <class F, is<plan_batch> X> void fields(F& f, X& x) {
  f("plans", x.plans);
}

template <class F, is<event_failure> X> void fields(F& f, X& x) {
  f("claim", x.claim);
  f("event_type", x.event_type);
  f("attempts", x.attempts);
  f("crashes", x.crashes);
  f("why", x.why);
}

template <class F, is<settled_failure> X> void fields(F& f, X& x) {
  f("failure", x.failure);
  f("retry_at", x.retry_at);
}

template <class F, is<commit_request> X> void fields(F& f, X& x) {
  f("worker", x.worker);
  f("now", x.now);
  f("batches", x.batches);
  f("failures", x.failures);
}

template <class F, is<commit_report> X> void fields(F& f, X& x) {
  f("completed", x.completed);
  f("notifications", x.notifications);
  f("rolled_up", x.rolled_up);
  f("emails", x.emails);
  f("skipped", x.skipped);
  f("retried", x.retried);
  f("dead", x.dead);
  f("lost", x.lost);
}

// -- outbox -------------------------------------------------------------------------------------------------

template <class F, is<open_window_request> X> void fields(F& f, X& x) {
  f("window_at", x.window_at);
  f("now", x.now);
}

template <class F, is<window_report> X> void fields(F& f, X& x) {
  f("opened", x.opened);
  f("digests", x.digests);
  f("rows", x.rows);
}

template <class F, is<outbox_claim_request> X> void fields(F& f, X& x) {
  f("worker", x.worker);
  f("now", x.now);
  f("lease", x.lease);
  f("envelopes", x.envelopes);
  f("max_open", x.max_open);
  f("mails", x.mails);
  f("digest_share", x.digest_share);
  f("immediate", x.immediate);
  f("digests", x.digests);
  f("dry_run", x.dry_run);
  f("after_id", x.after_id);
}

template <class F, is<mail_ref> X> void fields(F& f, X& x) {
  f("mail_id", x.mail_id);
  f("claim_no", x.claim_no);
}

template <class F, is<email_row> X> void fields(F& f, X& x) {
  f("id", x.id);
  f("event_id", x.event_id);
  f("event_type", x.event_type);
  f("project_id", x.project_id);
  f("project_name", x.project_name);
  f("subject", x.subject);
  f("body_data", x.body_data);
  f("created_at", x.created_at);
}

template <class F, is<email_mail> X> void fields(F& f, X& x) {
  f("id", x.id);
  f("lane", x.lane);
  f("user_id", x.user_id);
  f("window_at", x.window_at);
  f("rows", x.rows);
}

template <class F, is<claimed_mail> X> void fields(F& f, X& x) {
  f("mail", x.mail);
  f("claim_no", x.claim_no);
  f("generation", x.generation);
}

template <class F, is<sealed_envelope> X> void fields(F& f, X& x) {
  f("id", x.id);
  f("endpoint", x.endpoint);
  f("lane", x.lane);
  f("idempotency_key", x.idempotency_key);
  f("body", x.body);
  f("mail_ids", x.mail_ids);
  f("attempts", x.attempts);
  f("first_attempt_at", x.first_attempt_at);
  f("claim_no", x.claim_no);
  f("lease_until", x.lease_until);
}

template <class F, is<email_context> X> void fields(F& f, X& x) {
  f("world", x.world);
  f("events", x.events);
  f("unread", x.unread);
  f("completeness", x.completeness);
}

template <class F, is<claimed_outbox> X> void fields(F& f, X& x) {
  f("envelopes", x.envelopes);
  f("mails", x.mails);
  f("context", x.context);
  f("installation", x.installation);
  f("open", x.open);
  f("next_due", x.next_due);
  f("more", x.more);
}

template <class F, is<envelope_draft> X> void fields(F& f, X& x) {
  f("endpoint", x.endpoint);
  f("lane", x.lane);
  f("idempotency_key", x.idempotency_key);
  f("body", x.body);
  f("mails", x.mails);
}

template <class F, is<ended_row> X> void fields(F& f, X& x) {
  f("mail", x.mail);
  f("row_id", x.row_id);
  f("ending", x.ending);
  f("reason", x.reason);
}

template <class F, is<seal_request> X> void fields(F& f, X& x) {
  f("worker", x.worker);
  f("now", x.now);
  f("lease", x.lease);
  f("ended", x.ended);
  f("envelopes", x.envelopes);
}

template <class F, is<sealed_batch> X> void fields(F& f, X& x) {
  f("envelopes", x.envelopes);
  f("skipped", x.skipped);
  f("failed", x.failed);
  f("lost", x.lost);
  f("parked", x.parked);
}

template <class F, is<mail_verdict> X> void fields(F& f, X& x) {
  f("mail_id", x.mail_id);
  f("provider_id", x.provider_id);
  f("reason", x.reason);
}

template <class F, is<envelope_outcome> X> void fields(F& f, X& x) {
  f("envelope_id", x.envelope_id);
  f("claim_no", x.claim_no);
  f("fate", x.fate);
  f("mails", x.mails);
  f("why", x.why);
  f("retry_at", x.retry_at);
  f("first_attempt_at", x.first_attempt_at);
  f("parts", x.parts);
}

template <class F, is<record_request> X> void fields(F& f, X& x) {
  f("worker", x.worker);
  f("now", x.now);
  f("outcomes", x.outcomes);
  f("purge", x.purge);
}

template <class F, is<record_report> X> void fields(F& f, X& x) {
  f("immediate", x.immediate);
  f("digests", x.digests);
  f("merged", x.merged);
  f("failed", x.failed);
  f("parked", x.parked);
  f("retried", x.retried);
  f("lost", x.lost);
}

template <class F, is<outbox_release_request> X> void fields(F& f, X& x) {
  f("worker", x.worker);
  f("now", x.now);
}

template <class F, is<purge_request> X> void fields(F& f, X& x) {
  f("ended_before", x.ended_before);
}

template <class F, is<sender_report> X> void fields(F& f, X& x) {
  f("worker", x.worker);
  f("now", x.now);
  f("lease", x.lease);
  f("mails", x.mails);
}

template <class F, is<sender_share> X> void fields(F& f, X& x) {
  f("senders", x.senders);
  f("mails_today", x.mails_today);
}

// -- jobs that create events --------------------------------------------------------------------------------

template <class F, is<run_ref> X> void fields(F& f, X& x) {
  f("id", x.id);
  f("claim_no", x.claim_no);
}

template <class F, is<job_chunk_request> X> void fields(F& f, X& x) {
  f("run", x.run);
  f("worker", x.worker);
  f("now", x.now);
  f("dry_run", x.dry_run);
  f("limit", x.limit);
  f("after", x.after);
}

template <class F, is<meeting_reminders_request> X> void fields(F& f, X& x) {
  f("chunk", x.chunk);
  f("ahead", x.ahead);
  f("slack", x.slack);
  f("excluded", x.excluded);
}

template <class F, is<unread_nudges_request> X> void fields(F& f, X& x) {
  f("chunk", x.chunk);
  f("threshold", x.threshold);
  f("max_age", x.max_age);
  f("renudge_after", x.renudge_after);
  f("excluded", x.excluded);
}

template <class F, is<resume_nudges_request> X> void fields(F& f, X& x) {
  f("chunk", x.chunk);
  f("excluded", x.excluded);
}

template <class F, is<job_chunk> X> void fields(F& f, X& x) {
  f("counts", x.counts);
  f("next", x.next);
  f("lost", x.lost);
}

// -- operator's view ----------------------------------------------------------------------------------------

template <class F, is<type_summary> X> void fields(F& f, X& x) {
  f("events", x.events);
  f("completed", x.completed);
  f("dead", x.dead);
  f("pending", x.pending);
  f("expired", x.expired);
  f("notifications", x.notifications);
  f("rolled_up", x.rolled_up);
  f("emails", x.emails);
  f("skipped", x.skipped);
}

template <class F, is<store_summary> X> void fields(F& f, X& x) {
  f("by_type", x.by_type);
  f("event_rows", x.event_rows);
  f("notification_rows", x.notification_rows);
  f("email_rows", x.email_rows);
  f("roll_up_count", x.roll_up_count);
}

template <class F, is<store_status> X> void fields(F& f, X& x) {
  f("unclaimed", x.unclaimed);
  f("waiting", x.waiting);
  f("due_retries", x.due_retries);
  f("in_flight", x.in_flight);
  f("stale", x.stale);
  f("completed", x.completed);
  f("dead", x.dead);
  f("expired", x.expired);
  f("emails_pending", x.emails_pending);
  f("oldest_pending", x.oldest_pending);
}

template <class F, is<dead_letter> X> void fields(F& f, X& x) {
  f("event_id", x.event_id);
  f("event_type", x.event_type);
  f("kind", x.kind);
  f("reason", x.reason);
  f("attempts", x.attempts);
  f("crashes", x.crashes);
  f("created_at", x.created_at);
  f("died_at", x.died_at);
}

template <class F, is<supervision_note> X> void fields(F& f, X& x) {
  f("at", x.at);
  f("worker", x.worker);
  f("supervisor", x.supervisor);
  f("child", x.child);
  f("what", x.what);
  f("reason", x.reason);
}

template <class F, is<stage_restarts> X> void fields(F& f, X& x) {
  f("supervisor", x.supervisor);
  f("child", x.child);
  f("restarts", x.restarts);
  f("last_reason", x.last_reason);
  f("last_at", x.last_at);
}

template <class F, is<attempt_record> X> void fields(F& f, X& x) {
  f("claim_no", x.claim_no);
  f("worker", x.worker);
  f("claimed_at", x.claimed_at);
  f("ended_at", x.ended_at);
  f("ending", x.ending);
  f("kind", x.kind);
  f("reason", x.reason);
}

template <class F, is<recipient_outcome> X> void fields(F& f, X& x) {
  f("user_id", x.user_id);
  f("user_name", x.user_name);
  f("channel", x.channel);
  f("state", x.state);
  f("reason", x.reason);
  f("row_id", x.row_id);
  f("row_state", x.row_state);
  f("row_detail", x.row_detail);
}

template <class F, is<explanation> X> void fields(F& f, X& x) {
  f("event", x.event);
  f("state", x.state);
  f("worker", x.worker);
  f("claim_no", x.claim_no);
  f("attempts", x.attempts);
  f("crashes", x.crashes);
  f("claimed_at", x.claimed_at);
  f("completed_at", x.completed_at);
  f("lease_until", x.lease_until);
  f("next_attempt_at", x.next_attempt_at);
  f("error", x.error);
  f("error_class", x.error_class);
  f("history", x.history);
  f("outcomes", x.outcomes);
}

template <class F, is<outbox_summary> X> void fields(F& f, X& x) {
  f("rows", x.rows);
  f("pending", x.pending);
  f("deferred", x.deferred);
  f("claimed", x.claimed);
  f("sealed", x.sealed);
  f("sent", x.sent);
  f("merged", x.merged);
  f("skipped", x.skipped);
  f("failed", x.failed);
  f("parked", x.parked);
  f("reasons", x.reasons);
  f("immediate_mails", x.immediate_mails);
  f("digest_mails", x.digest_mails);
  f("open_envelopes", x.open_envelopes);
}

template <class F, is<stuck_mail> X> void fields(F& f, X& x) {
  f("mail_id", x.mail_id);
  f("user_id", x.user_id);
  f("state", x.state);
  f("lane", x.lane);
  f("row_ids", x.row_ids);
  f("reason", x.reason);
  f("at", x.at);
}

// -- the ledger of jobs -------------------------------------------------------------------------------------

template <class F, is<open_jobs_request> X> void fields(F& f, X& x) {
  f("jobs", x.jobs);
  f("now", x.now);
}

template <class F, is<open_run> X> void fields(F& f, X& x) {
  f("run", x.run);
  f("scheduled_at", x.scheduled_at);
  f("cause", x.cause);
  f("worker", x.worker);
  f("state", x.state);
  f("attempts", x.attempts);
  f("due_at", x.due_at);
}

template <class F, is<job_state> X> void fields(F& f, X& x) {
  f("job", x.job);
  f("settled_until", x.settled_until);
  f("open", x.open);
}

template <class F, is<missed_span> X> void fields(F& f, X& x) {
  f("first", x.first);
  f("last", x.last);
  f("instants", x.instants);
}

template <class F, is<begin_run_request> X> void fields(F& f, X& x) {
  f("job", x.job);
  f("worker", x.worker);
  f("now", x.now);
  f("lease", x.lease);
  f("cause", x.cause);
  f("scheduled_at", x.scheduled_at);
  f("missed", x.missed);
  f("keep", x.keep);
}

template <class F, is<begun_run> X> void fields(F& f, X& x) {
  f("verdict", x.verdict);
  f("run", x.run);
  f("attempt", x.attempt);
  f("holder", x.holder);
  f("held_until", x.held_until);
}

template <class F, is<finish_run_request> X> void fields(F& f, X& x) {
  f("run", x.run);
  f("worker", x.worker);
  f("now", x.now);
  f("state", x.state);
  f("why", x.why);
  f("retry_at", x.retry_at);
  f("handed_back", x.handed_back);
  f("counts", x.counts);
}

template <class F, is<job_run> X> void fields(F& f, X& x) {
  f("id", x.id);
  f("job", x.job);
  f("scheduled_at", x.scheduled_at);
  f("first_at", x.first_at);
  f("instants", x.instants);
  f("cause", x.cause);
  f("state", x.state);
  f("worker", x.worker);
  f("attempts", x.attempts);
  f("started_at", x.started_at);
  f("ended_at", x.ended_at);
  f("error_class", x.error_class);
  f("error", x.error);
  f("retry_at", x.retry_at);
  f("counts", x.counts);
}

// -- calendar watches ---------------------------------------------------------------------------------------

template <class F, is<due_watches_request> X> void fields(F& f, X& x) {
  f("now", x.now);
  f("within", x.within);
  f("limit", x.limit);
  f("after", x.after);
}

template <class F, is<due_watch> X> void fields(F& f, X& x) {
  f("connection_id", x.connection_id);
  f("access_token", x.access_token);
  f("refresh_token", x.refresh_token);
  f("token_expires_at", x.token_expires_at);
  f("calendar_list", x.calendar_list);
  f("channel_id", x.channel_id);
  f("resource_id", x.resource_id);
  f("expires_at", x.expires_at);
  f("planned_channels", x.planned_channels);
  f("refused_token", x.refused_token);
}

template <class F, is<due_watches> X> void fields(F& f, X& x) {
  f("watches", x.watches);
}

template <class F, is<watch_update::tokens> X> void fields(F& f, X& x) {
  f("access_token", x.access_token);
  f("refresh_token", x.refresh_token);
  f("expires_at", x.expires_at);
  f("used", x.used);
}

template <class F, is<watch_update::channel> X> void fields(F& f, X& x) {
  f("channel_id", x.channel_id);
  f("resource_id", x.resource_id);
  f("expires_at", x.expires_at);
  f("replaces", x.replaces);
}

template <class F, is<watch_update::trouble> X> void fields(F& f, X& x) {
  f("why", x.why);
  f("refused_token", x.refused_token);
}

template <class F, is<watch_update> X> void fields(F& f, X& x) {
  f("connection_id", x.connection_id);
  f("token", x.token);
  f("planned", x.planned);
  f("created", x.created);
  f("failed", x.failed);
}

template <class F, is<record_watches_request> X> void fields(F& f, X& x) {
  f("run", x.run);
  f("worker", x.worker);
  f("now", x.now);
  f("updates", x.updates);
}

template <class F, is<watches_recorded> X> void fields(F& f, X& x) {
  f("lost", x.lost);
}

template <class F, is<watch_summary> X> void fields(F& f, X& x) {
  f("connections", x.connections);
  f("watched", x.watched);
  f("expired", x.expired);
  f("needs_reconnect", x.needs_reconnect);
  f("failing", x.failing);
  f("next_expiry", x.next_expiry);
}

// -- parameters and wrapped answers -------------------------------------------------------------------------

template <class F, is<insert_events_request> X> void fields(F& f, X& x) {
  f("events", x.events);
  f("now", x.now);
}

template <class F, is<status_request> X> void fields(F& f, X& x) {
  f("now", x.now);
  f("max_age", x.max_age);
}

template <class F, is<explain_request> X> void fields(F& f, X& x) {
  f("event_id", x.event_id);
}

template <class F, is<list_request> X> void fields(F& f, X& x) {
  f("limit", x.limit);
}

template <class F, is<events_request> X> void fields(F& f, X& x) {
  f("event_ids", x.event_ids);
  f("now", x.now);
}

template <class F, is<mails_request> X> void fields(F& f, X& x) {
  f("mail_ids", x.mail_ids);
  f("now", x.now);
}

template <class F, is<read_mail_request> X> void fields(F& f, X& x) {
  f("row_id", x.row_id);
  f("now", x.now);
}

template <class F, is<supervision_request> X> void fields(F& f, X& x) {
  f("notes", x.notes);
}

template <class F, is<summarize_watches_request> X> void fields(F& f, X& x) {
  f("now", x.now);
}

template <class F, is<empty_request> X> void fields(F&, X&) { /* nothing */
}

template <class F, class T> void fields(F& f, wrapped<T>& x) {
  f("result", x.result);
}

template <class F, class T> void fields(F& f, const wrapped<T>& x) {
  f("result", x.result);
}

// -- doctor -----------------------------------------------------------------------------------------------

template <class F, is<doctor_request> X> void fields(F& f, X& x) {
  f("functions", x.functions);
  f("tables", x.tables);
  f("indexes", x.indexes);
  f("triggers", x.triggers);
  f("now", x.now);
  f("lease", x.lease);
  f("max_age", x.max_age);
}

template <class F, is<claim_facts> X> void fields(F& f, X& x) {
  f("events_ahead", x.events_ahead);
  f("blocks", x.blocks);
  f("milliseconds", x.milliseconds);
  f("scans", x.scans);
}

template <class F, is<access_facts> X> void fields(F& f, X& x) {
  f("fingerprint", x.fingerprint);
  f("known", x.known);
}

template <class F, is<work_facts> X> void fields(F& f, X& x) {
  f("left_behind", x.left_behind);
  f("left_behind_expired", x.left_behind_expired);
  f("oldest_left_behind", x.oldest_left_behind);
  f("emails_left_behind", x.emails_left_behind);
  f("foreign_claims", x.foreign_claims);
  f("dead_letters", x.dead_letters);
  f("parked_mails", x.parked_mails);
  f("failed_mails", x.failed_mails);
}

template <class F, is<database_facts> X> void fields(F& f, X& x) {
  f("server_version", x.server_version);
  f("server_version_text", x.server_version_text);
  f("read_only", x.read_only);
  f("now", x.now);
  f("schema_version", x.schema_version);
  f("role", x.role);
  f("bypasses_row_security", x.bypasses_row_security);
  f("missing_functions", x.missing_functions);
  f("closed_functions", x.closed_functions);
  f("open_functions", x.open_functions);
  f("missing_tables", x.missing_tables);
  f("missing_rights", x.missing_rights);
  f("open_tables", x.open_tables);
  f("missing_indexes", x.missing_indexes);
  f("invalid_indexes", x.invalid_indexes);
  f("missing_triggers", x.missing_triggers);
  f("disabled_triggers", x.disabled_triggers);
  f("claim", x.claim);
  f("access", x.access);
  f("work", x.work);
}

} // namespace herald::remote
