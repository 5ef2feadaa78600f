#include "core/email/next_send.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "core/email/request_body.hpp"

namespace herald {

namespace {

constexpr duration max_retry_after{24 * 3'600'000};

/// The bound of the delay after `attempts` earlier failures. Stops doubling at the maximum, so it cannot
/// overflow.
duration backoff(const send_policy& policy, std::int32_t attempts) {
  auto out = std::min(policy.backoff_min, policy.backoff_max);
  for (; attempts > 0 && out < policy.backoff_max && out > duration::zero(); --attempts)
    out = out > policy.backoff_max / 2 ? policy.backoff_max : out * 2;
  return out;
}

duration share_of(duration x, double random) {
  return duration{static_cast<duration::rep>(static_cast<double>(x.count()) * std::clamp(random, 0.0, 1.0))};
}

duration delay(const send_policy& policy, const send_outcome& x, std::int32_t attempts, double random) {
  auto asked = std::clamp(x.retry_after.value_or(duration::zero()), duration::zero(), max_retry_after);
  switch (x.result) {
  case send_result::concurrent:
    return std::max(asked, duration{1'000} + share_of(duration{4'000}, random));
  case send_result::rate_limited:
  case send_result::paused:
    // When the whole sender goes on is the governor's to say; this only keeps the envelope from being first.
    return std::max(asked, policy.backoff_min);
  default:
    return std::max(asked, share_of(backoff(policy, attempts), random));
  }
}

failure_class class_of(const send_outcome& x) {
  auto turned_away = x.result == send_result::rate_limited || x.result == send_result::paused;
  return turned_away || x.outage ? failure_class::outage : failure_class::transient;
}

envelope_outcome begin(const sealed_envelope& x, envelope_fate fate) {
  envelope_outcome out;
  out.envelope_id = x.id;
  out.claim_no = x.claim_no;
  out.fate = fate;
  return out;
}

envelope_outcome settle(const sealed_envelope& envelope, const std::vector<mail_fate>& mails) {
  if (mails.size() != envelope.mail_ids.size())
    return park(envelope, "the answer was read for " + std::to_string(mails.size()) + " mails");
  auto out = begin(envelope, envelope_fate::settled);
  for (std::size_t i = 0; i < mails.size(); ++i)
    out.mails.push_back({envelope.mail_ids[i], mails[i].provider_id, mails[i].reason});
  return out;
}

envelope_outcome refuse(const sealed_envelope& envelope, const std::string& reason) {
  auto out = begin(envelope, envelope_fate::settled);
  if (envelope.endpoint == email_endpoint::single) {
    for (auto id : envelope.mail_ids)
      out.mails.push_back({id, {}, reason});
    return out;
  }
  // New keys would send twice what an earlier attempt, which was never answered, brought to the provider.
  if (envelope.first_attempt_at)
    return park(envelope, reason + "; an earlier attempt may have been accepted, so it is not split");
  auto parts = split_batch(envelope);
  if (!parts)
    return park(envelope, reason + "; " + parts.error().reason);
  out.fate = envelope_fate::split;
  out.why = {failure_class::permanent, reason};
  out.parts = *std::move(parts);
  return out;
}

} // namespace

std::optional<std::string> validate(const send_policy& x) {
  if (x.backoff_min <= duration::zero())
    return "backoff_min has to be more than nothing";
  if (x.backoff_max < x.backoff_min)
    return "backoff_max has to be at least backoff_min";
  if (x.max_attempts < 1)
    return "max_attempts has to be at least 1";
  if (x.key_life <= duration::zero() || x.key_life >= std::chrono::hours{24})
    return "key_life has to be less than the 24 hours for which the provider knows a key";
  return std::nullopt;
}

bool key_expired(const send_policy& policy, const std::optional<timestamp>& first_attempt_at, timestamp now) {
  return first_attempt_at && now - *first_attempt_at >= policy.key_life;
}

next_try next_send(const send_policy& policy, const send_outcome& x, std::int32_t attempts,
                   const std::optional<timestamp>& first_attempt_at, timestamp now, double random) {
  switch (x.result) {
  case send_result::settled:
  case send_result::refused:
  case send_result::unclear:
  case send_result::conflict:
    return {std::nullopt, x.reason};
  default:
    break;
  }
  // Compared before this failure is added: the counter comes from a database.
  if (x.counted && attempts >= policy.max_attempts - 1)
    return {std::nullopt,
            "given up after " + std::to_string(policy.max_attempts) + " attempts, the last one: " + x.reason};
  auto at = now + delay(policy, x, attempts, random);
  if (key_expired(policy, first_attempt_at, at))
    return {std::nullopt,
            "unresolved until its key expired, so a retry could send twice; the last attempt: " + x.reason};
  return {at, {}};
}

envelope_outcome park(const sealed_envelope& envelope, std::string reason) {
  auto out = begin(envelope, envelope_fate::parked);
  out.why = {failure_class::permanent, std::move(reason)};
  return out;
}

std::optional<timestamp> key_known_since(const sealed_envelope& envelope, const send_outcome& x,
                                         timestamp attempted_at) {
  if (envelope.first_attempt_at || !x.maybe_accepted)
    return envelope.first_attempt_at;
  return attempted_at;
}

envelope_outcome conclude(const send_policy& policy, const sealed_envelope& envelope, const send_outcome& x,
                          timestamp attempted_at, timestamp now, double random) {
  switch (x.result) {
  case send_result::settled:
    return settle(envelope, x.mails);
  case send_result::refused:
    return refuse(envelope, x.reason);
  default:
    break;
  }
  auto known_since = key_known_since(envelope, x, attempted_at);
  auto next = next_send(policy, x, envelope.attempts, known_since, now, random);
  if (!next.at)
    return park(envelope, std::move(next.parked));
  auto out = begin(envelope, x.counted ? envelope_fate::retry : envelope_fate::deferred);
  out.why = {class_of(x), x.reason};
  out.retry_at = *next.at;
  out.first_attempt_at = known_since;
  return out;
}

} // namespace herald
