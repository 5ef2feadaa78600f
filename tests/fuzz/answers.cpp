// Answers of the servers that Herald calls: whatever they say is understood or refused with a reason, which is a bounded
// line.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/calendar/google_answers.hpp"
#include "adapters/calendar/google_requests.hpp"
#include "adapters/mail/resend_transport.hpp"
#include "adapters/store/remote/codec.hpp"
#include "adapters/store/supabase/error_text.hpp"
#include "core/email/governor.hpp"
#include "core/email/outcome.hpp"
#include "core/email/request_body.hpp"
#include "tests/fuzz/target.hpp"

namespace herald {
namespace {

using fuzz::require;

const timestamp now = from_epoch_ms(1'768'919'400'000);
constexpr duration a_day = std::chrono::hours{24};
constexpr std::string_view hidden_text = "sb_secret_q7q7q7q7";

/// A status, header lines up to an empty one, and the body; without a status there was no answer.
http_exchange some_exchange(fuzz::input& in) {
  http_exchange out;
  auto status = fuzz::number(in.line());
  if (status < 100 || status > 999) {
    out.error = "the connection was closed";
    out.maybe_reached = status == 1;
    out.oversized = status == 2;
    return out;
  }
  http_response response;
  response.status = static_cast<int>(status);
  for (auto line = in.line(); !line.empty(); line = in.line()) {
    auto colon = std::min(line.find(':'), line.size());
    response.headers.emplace_back(line.substr(0, colon), line.substr(std::min(colon + 1, line.size())));
  }
  response.body = in.next();
  out.response = std::move(response);
  return out;
}

void expect_reason(const std::string& reason) {
  require(!reason.empty() && reason.size() <= 4'000, "a reason is given and bounded", reason);
  require(!fuzz::has_control_character(reason), "a reason is a line", reason);
}

void expect_wait(const std::optional<duration>& x) {
  require(!x || (x->count() >= 0 && *x <= a_day), "a wait is at most a day");
}

// -- Resend -------------------------------------------------------------------------------------------------

/// The limiter takes the answer in, and goes on.
void expect_governed(const mail_answer& answer, const send_outcome& meaning) {
  governor it{governor_config{}, now};
  auto decision = it.next({.immediate = 1}, now);
  require(decision.granted(), "the first request may start");
  auto ticket = it.on_started(decision, now);
  it.on_answer(ticket, observe(ticket, answer, meaning), now, 0.5);
  auto after = it.next({.immediate = 1}, now);
  require(after.granted() || (after.until && *after.until > now), "what may not start yet knows when");
}

void resend(fuzz::choices& pick, fuzz::input& in) {
  auto endpoint = pick.flag() ? email_endpoint::single : email_endpoint::batch;
  auto mails = endpoint == email_endpoint::single ? 1 : 1 + pick.below(4);
  auto answer = to_mail_answer(some_exchange(in));
  auto meaning = classify(answer, endpoint, mails);
  if (meaning.result == send_result::settled)
    require(meaning.mails.size() == mails, "an outcome settles every mail");
  else
    expect_reason(meaning.reason);
  for (auto& x : meaning.mails)
    require(x.accepted() ? !fuzz::has_control_character(x.provider_id) && x.provider_id.size() <= 1'000
                         : !fuzz::has_control_character(x.reason) && x.reason.size() <= 4'000,
            "a mail's fate is a line", x.provider_id + x.reason);
  expect_wait(meaning.retry_after);
  expect_wait(answer.retry_after);
  expect_wait(answer.reset_after);
  expect_governed(answer, meaning);
}

// -- Supabase -----------------------------------------------------------------------------------------------

void supabase_refusal(fuzz::choices&, fuzz::input& in) {
  const secret key{std::string{hidden_text}};
  const supabase::call_site site{"Supabase at db.example", "herald_claim", key};
  auto exchange = some_exchange(in);
  if (!exchange.response) {
    expect_reason(supabase::describe_loss(exchange, site).reason);
    return;
  }
  auto refusal = supabase::refusal_of(*exchange.response, site);
  require(refusal || exchange.response->status / 100 == 2, "an error status is no result");
  if (!refusal)
    return;
  expect_reason(refusal->reason);
  require(refusal->reason.find(hidden_text) == std::string::npos, "a reason tells no secret",
          refusal->reason);
}

// -- Google -------------------------------------------------------------------------------------------------

void expect_sound(const calendar_answer& x) {
  expect_wait(x.retry_after);
  if (x.verdict != calendar_verdict::done)
    expect_reason(x.why.reason);
}

void google_token(fuzz::choices&, fuzz::input& in) {
  auto out = token_answer(some_exchange(in), "fingerprint");
  expect_sound(out);
  if (out.verdict == calendar_verdict::done)
    require(is_token_text(out.access_token.reveal()) && out.expires_in.count() > 0 && out.expires_in <= a_day,
            "a refresh gives a token that can be used");
}

void google_creation(fuzz::choices&, fuzz::input& in) {
  watch_creation asked;
  asked.access_token = secret{std::string{hidden_text}};
  asked.calendar_id = "primary";
  asked.channel_id = "channel-1";
  auto out = creation_answer(some_exchange(in), asked, now);
  expect_sound(out);
  if (out.verdict == calendar_verdict::done)
    require(is_resource_id(out.resource_id) && out.expires_at > now, "a channel can be ended and lives");
}

void google_stop(fuzz::choices&, fuzz::input& in) {
  expect_sound(stop_answer(some_exchange(in)));
}

// -- the database's functions -------------------------------------------------------------------------------

/// What was understood is written and read again without a loss.
template <class T> void decoded(fuzz::choices&, fuzz::input& in) {
  auto out = remote::decode<T>("herald_function", in.next());
  if (!out) {
    expect_reason(out.error().reason);
    return;
  }
  auto written = remote::encode(*out);
  auto again = remote::decode<T>("herald_function", written);
  require(again.has_value(), "what was understood is understood again", written);
  require(remote::encode(*again) == written, "nothing is lost on the way", written);
}

using target = void (*)(fuzz::choices&, fuzz::input&);

constexpr std::array targets{
    target{resend},
    target{supabase_refusal},
    target{google_token},
    target{google_creation},
    target{google_stop},
    target{decoded<claimed_batch>},
    target{decoded<commit_report>},
    target{decoded<window_report>},
    target{decoded<sender_share>},
    target{decoded<job_chunk>},
    target{decoded<claimed_outbox>},
    target{decoded<sealed_batch>},
    target{decoded<record_report>},
    target{decoded<begun_run>},
    target{decoded<due_watches>},
    target{decoded<watches_recorded>},
    target{decoded<watch_summary>},
    target{decoded<store_status>},
    target{decoded<store_summary>},
    target{decoded<outbox_summary>},
    target{decoded<database_facts>},
    target{decoded<remote::wrapped<bool>>},
    target{decoded<remote::wrapped<std::uint64_t>>},
    target{decoded<remote::wrapped<std::vector<claim_ref>>>},
    target{decoded<remote::wrapped<std::vector<std::int64_t>>>},
    target{decoded<remote::wrapped<std::vector<job_state>>>},
    target{decoded<remote::wrapped<std::vector<job_run>>>},
    target{decoded<remote::wrapped<std::vector<dead_letter>>>},
    target{decoded<remote::wrapped<std::vector<stage_restarts>>>},
    target{decoded<remote::wrapped<std::vector<stuck_mail>>>},
    target{decoded<remote::wrapped<std::optional<explanation>>>},
    target{decoded<remote::wrapped<std::optional<claimed_outbox>>>},
};

} // namespace
} // namespace herald

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace herald;
  fuzz::input in{data, size};
  fuzz::choices pick{in.line()};
  targets[pick.below(targets.size())](pick, in);
  return 0;
}
