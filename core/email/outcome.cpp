#include "core/email/outcome.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/text.hpp"

namespace herald {

namespace {

using nlohmann::json;

constexpr std::size_t max_body = std::size_t{1024} * 1024;
constexpr std::size_t max_id = 128;
constexpr std::size_t max_name = 64;
constexpr std::size_t max_message = 300;

// -- reading strangers' bodies ------------------------------------------------------------------------------

/// Discarded when the text is no JSON or too long to be looked at.
json parse(std::string_view text) {
  return text.size() > max_body ? json(json::value_t::discarded) : json::parse(text, nullptr, false);
}

std::string text_at(const json& object, const char* key, std::size_t max) {
  if (!object.is_object())
    return {};
  auto i = object.find(key);
  return i != object.end() && i->is_string() ? one_line(i->get_ref<const std::string&>(), max)
                                             : std::string{};
}

/// An id is kept and shown: only plain ones of a sane length count.
std::string id_of(const json& object) {
  if (!object.is_object())
    return {};
  auto i = object.find("id");
  if (i == object.end() || !i->is_string())
    return {};
  auto& id = i->get_ref<const std::string&>();
  auto plain = [](char c) { return c > ' ' && c < '\x7F'; };
  return id.size() <= max_id && std::all_of(id.begin(), id.end(), plain) ? id : std::string{};
}

/// What can be shown of a body that is no JSON.
std::string excerpt(std::string_view body) {
  std::string out{body.substr(0, 4 * max_name)};
  for (auto& c : out)
    if (static_cast<unsigned char>(c) >= 0x80)
      c = '?';
  return one_line(out, max_name);
}

struct error_body {
  std::string name; ///< empty when there is none
  std::string shown;
};

error_body read_error(std::int32_t status, std::string_view body) {
  auto object = parse(body);
  auto name = text_at(object, "name", max_name);
  auto said = object.is_discarded() ? excerpt(body) : text_at(object, "message", max_message);
  auto shown = std::to_string(status);
  if (!name.empty())
    shown += " " + name;
  if (!said.empty())
    shown += ": " + said;
  return {std::move(name), std::move(shown)};
}

// -- outcomes -----------------------------------------------------------------------------------------------

/// An outcome with what follows from its result alone.
send_outcome outcome(send_result result, std::string reason) {
  send_outcome out;
  out.result = result;
  out.reason = std::move(reason);
  out.maybe_accepted =
      result != send_result::refused && result != send_result::rate_limited && result != send_result::paused;
  out.counted =
      result == send_result::transient || result == send_result::unknown || result == send_result::concurrent;
  return out;
}

send_outcome refused(const error_body& x) {
  return outcome(send_result::refused, "the provider refused it (" + x.shown + ")");
}

send_outcome paused(pause_reason why, const error_body& x, std::string_view advice) {
  auto out = outcome(send_result::paused,
                     "the provider takes no mail from us (" + x.shown + "): " + std::string{advice});
  out.pause = why;
  return out;
}

send_outcome unauthorised(const error_body& x) {
  return paused(pause_reason::unauthorised, x, "check the API key and that it may send (RESEND_API_KEY)");
}

send_outcome misconfigured(const error_body& x) {
  return paused(pause_reason::misconfigured, x, "check the provider's address and any proxy before it");
}

send_outcome transient(const error_body& x) {
  return outcome(send_result::transient, "the provider failed (" + x.shown + ")");
}

send_outcome unclear(const std::string& why) {
  return outcome(send_result::unclear, "the provider accepted the request, but " + why
                                           + ": look the mails up at the provider by their tags");
}

send_outcome no_answer(const mail_answer& x) {
  auto what = " (" + one_line(x.error, max_message) + ")";
  auto out = x.maybe_delivered ? outcome(send_result::unknown, "no answer from the provider" + what)
                               : outcome(send_result::transient, "the provider was not reached" + what);
  out.outage = true;
  out.maybe_accepted = x.maybe_delivered;
  out.counted = x.maybe_delivered;
  return out;
}

send_outcome forbidden(const error_body& x, std::string_view body) {
  if (x.name == "validation_error")
    return paused(pause_reason::unverified_sender, x,
                  "verify the sender's domain with the provider, or correct EMAIL_FROM");
  if (x.name.empty() && body.substr(0, 4096).find("1010") != std::string_view::npos)
    return paused(pause_reason::edge, x,
                  "the provider's edge refuses this client; its User-Agent may be missing");
  return unauthorised(x);
}

send_outcome conflict(const error_body& x) {
  if (x.name == "invalid_idempotent_request")
    return outcome(
        send_result::conflict,
        "the key was used with another body (" + x.shown
            + "), so the mails were probably sent: look them up at the provider before sending again");
  if (x.name == "concurrent_idempotent_requests")
    return outcome(send_result::concurrent, "an earlier attempt still runs (" + x.shown + ")");
  // In new words, one of the two: the same bytes under the same key harm in no case.
  return transient(x);
}

send_outcome too_many(const error_body& x) {
  if (x.name == "daily_quota_exceeded")
    return paused(pause_reason::daily_quota, x,
                  "the daily quota is used up; sending goes on with the next one");
  if (x.name == "monthly_quota_exceeded")
    return paused(pause_reason::monthly_quota, x,
                  "the monthly quota is used up; raise it, or sending goes on with the next one");
  return outcome(send_result::rate_limited, "the provider limits the rate (" + x.shown + ")");
}

send_outcome server_error(std::int32_t status, const error_body& x) {
  auto out = transient(x);
  // What a gateway says tells nothing about the server behind it.
  if (status == 502 || status == 503 || status == 504 || status >= 520) {
    out.result = send_result::unknown;
    out.counted = false;
  }
  out.outage = true;
  return out;
}

/// Nothing, or what is wrong with the answer to a batch. Ids of accepted mails come in the order of the
/// request with the refused ones left out; they are only believed when every mail is accounted for.
std::optional<std::string> read_batch(const json& body, std::vector<mail_fate>& mails) {
  auto data = body.find("data");
  if (data == body.end() || !data->is_array())
    return "its answer lists no mails";
  std::vector<bool> failed(mails.size());
  std::size_t failures = 0;
  if (auto errors = body.find("errors"); errors != body.end() && !errors->is_null()) {
    if (!errors->is_array())
      return "its list of errors cannot be read";
    for (auto& error : *errors) {
      auto index = error.is_object() ? error.find("index") : error.end();
      if (!error.is_object() || index == error.end() || !index->is_number_unsigned())
        return "an error names no mail";
      auto i = index->get<std::uint64_t>();
      if (i >= mails.size() || failed[i])
        return "an error names mail " + std::to_string(i) + ", which is not there or was named before";
      failed[i] = true;
      ++failures;
      auto said = text_at(error, "message", max_message);
      mails[i].reason = "the provider refused it (" + (said.empty() ? "no reason given" : said) + ")";
    }
  }
  if (data->size() + failures != mails.size())
    return "it accepted " + std::to_string(data->size()) + " and refused " + std::to_string(failures) + " of "
           + std::to_string(mails.size()) + " mails";
  std::set<std::string> seen;
  auto next = data->begin();
  for (std::size_t i = 0; i < mails.size(); ++i) {
    if (failed[i])
      continue;
    mails[i].provider_id = id_of(*next++);
    if (mails[i].provider_id.empty() || !seen.insert(mails[i].provider_id).second)
      return "its ids are missing, not plain or not different";
  }
  return std::nullopt;
}

send_outcome accepted(const mail_answer& answer, email_endpoint endpoint, std::size_t n) {
  auto body = parse(answer.body);
  // Cut short on the way, perhaps: the same key brings the same answer once more.
  if (body.is_discarded())
    return outcome(send_result::unknown, "the provider accepted the request with an unreadable answer ("
                                             + excerpt(answer.body) + ")");
  auto out = outcome(send_result::settled, {});
  out.mails.resize(endpoint == email_endpoint::single ? 1 : n);
  if (!body.is_object())
    return unclear("its answer is no object");
  if (endpoint == email_endpoint::batch) {
    if (auto wrong = read_batch(body, out.mails))
      return unclear(*wrong);
    return out;
  }
  out.mails[0].provider_id = id_of(body);
  return out.mails[0].accepted() ? out : unclear("its answer holds no plain id");
}

send_outcome by_status(const mail_answer& answer, email_endpoint endpoint, std::size_t mails) {
  auto status = answer.status;
  if (status == 0)
    return no_answer(answer);
  if (status >= 200 && status < 300)
    return accepted(answer, endpoint, mails);
  auto error = read_error(status, answer.body);
  switch (status) {
  case 401:
    return unauthorised(error);
  case 403:
    return forbidden(error, answer.body);
  case 404:
    return error.name.empty() ? misconfigured(error) : refused(error);
  case 405:
    return misconfigured(error);
  case 408:
    return transient(error);
  case 409:
    return conflict(error);
  case 429:
    return too_many(error);
  case 451:
    return paused(pause_reason::security, error, "ask the provider");
  default:
    break;
  }
  if (status >= 300 && status < 400)
    return misconfigured(error);
  // A proxy on the way, not the API: no mail is at fault.
  if (error.name.empty()
      && (status == 407 || status == 421 || status == 425 || status == 426 || status == 431))
    return misconfigured(error);
  if (status >= 400 && status < 500)
    return refused(error);
  return server_error(status, error);
}

} // namespace

std::string_view to_string(send_result x) {
  switch (x) {
  case send_result::settled:
    return "settled";
  case send_result::refused:
    return "refused";
  case send_result::rate_limited:
    return "rate_limited";
  case send_result::concurrent:
    return "concurrent";
  case send_result::transient:
    return "transient";
  case send_result::unknown:
    return "unknown";
  case send_result::unclear:
    return "unclear";
  case send_result::conflict:
    return "conflict";
  case send_result::paused:
    return "paused";
  }
  return "unknown";
}

std::string_view to_string(pause_reason x) {
  switch (x) {
  case pause_reason::unauthorised:
    return "unauthorised";
  case pause_reason::unverified_sender:
    return "unverified_sender";
  case pause_reason::edge:
    return "edge";
  case pause_reason::misconfigured:
    return "misconfigured";
  case pause_reason::daily_quota:
    return "daily_quota";
  case pause_reason::monthly_quota:
    return "monthly_quota";
  case pause_reason::security:
    return "security";
  }
  return "unauthorised";
}

send_outcome classify(const mail_answer& answer, email_endpoint endpoint, std::size_t mails) {
  auto out = by_status(answer, endpoint, mails);
  out.retry_after = answer.retry_after;
  return out;
}

} // namespace herald
