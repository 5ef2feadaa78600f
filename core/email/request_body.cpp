#include "core/email/request_body.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "messages/uuid.hpp"

namespace herald {

namespace {

using nlohmann::json;

constexpr std::size_t max_prefix = 128;
constexpr std::size_t provider_batch_max = 100;

/// The name space of the ids inside keys; made once, at random.
constexpr uuid key_space{
    {0x6b, 0x1d, 0x0c, 0x52, 0x8e, 0x0f, 0x4a, 0x5e, 0x9d, 0x3c, 0x27, 0x5f, 0xe4, 0xa1, 0x70, 0x38}};

json to_json(const email_message& x) {
  json out{{"from", x.from},
           {"to", json::array({x.to})},
           {"subject", x.subject},
           {"html", x.html},
           {"text", x.text}};
  if (!x.reply_to.empty())
    out["reply_to"] = x.reply_to;
  for (auto& [name, value] : x.headers)
    out["headers"][name] = value;
  for (auto& [name, value] : x.tags)
    out["tags"].push_back({{"name", name}, {"value", value}});
  return out;
}

/// Keys come out sorted; what is not UTF-8 is repaired rather than thrown at the caller.
std::string to_text(const json& x) {
  return x.dump(-1, ' ', false, json::error_handler_t::replace);
}

/// A mail with its JSON.
struct part {
  mail_ref mail;
  std::int32_t generation = 0;
  std::string body;
};

/// The prefix, how many mails, and an id that follows from `name`.
std::string key(std::string_view prefix, std::size_t mails, std::string_view name) {
  return std::string{prefix} + "/" + std::to_string(mails) + "-"
         + to_string(name_based_uuid(key_space, name));
}

std::string key(std::string_view prefix, email_lane lane, std::span<const part> parts) {
  std::string name{to_string(lane)};
  for (auto& x : parts)
    name += ";" + std::to_string(x.mail.mail_id) + "." + std::to_string(x.generation);
  return key(prefix, parts.size(), name);
}

void append_element(std::string& out, std::string_view body) {
  out.append(out.empty() ? "[" : ",").append(body);
}

envelope_draft single(std::span<const part> one, email_lane lane, const seal_limits& limits) {
  return {email_endpoint::single, lane, key(limits.key_prefix, lane, one), one[0].body, {one[0].mail}};
}

envelope_draft batch(std::span<const part> parts, email_lane lane, const seal_limits& limits) {
  envelope_draft out{email_endpoint::batch, lane, key(limits.key_prefix, lane, parts), {}, {}};
  for (auto& x : parts) {
    append_element(out.body, x.body);
    out.mails.push_back(x.mail);
  }
  out.body += "]";
  return out;
}

} // namespace

std::string single_body(const email_message& x) {
  return to_text(to_json(x));
}

std::string batch_body(std::span<const email_message> messages) {
  std::string out;
  for (auto& x : messages)
    append_element(out, single_body(x));
  return out.empty() ? "[]" : out + "]";
}

std::optional<std::string> validate(const seal_limits& x) {
  auto allowed = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
           || std::string_view{"-_.:/"}.find(c) != std::string_view::npos;
  };
  if (x.key_prefix.empty() || x.key_prefix.size() > max_prefix
      || !std::all_of(x.key_prefix.begin(), x.key_prefix.end(), allowed))
    return "key_prefix has to be 1 to 128 letters, digits and -_.:/";
  if (x.batch_max < 1 || x.batch_max > provider_batch_max)
    return "batch_max has to be 1 to 100";
  if (x.batch_min < 2)
    return "batch_min has to be at least 2";
  if (x.body_max < 1024)
    return "body_max has to be at least 1024 bytes";
  return std::nullopt;
}

seal_plan plan_envelopes(std::span<const unsealed_mail> mails, email_lane lane, const seal_limits& limits) {
  seal_plan out;
  std::vector<part> parts;
  for (auto& x : mails) {
    auto body = single_body(x.message);
    // Two bytes for the brackets of an array, so that it fits both ways.
    if (body.size() + 2 <= limits.body_max)
      parts.push_back({x.mail, x.generation, std::move(body)});
    else
      out.refused.emplace_back(x.mail, "the mail is too large: " + std::to_string(body.size()) + " of "
                                           + std::to_string(limits.body_max) + " bytes");
  }
  const std::span<const part> all{parts};
  for (std::size_t begin = 0; begin < all.size();) {
    auto end = begin;
    auto size = std::size_t{1}; // a bracket, then each body with a comma or the last bracket
    while (end < all.size() && end - begin < limits.batch_max
           && size + all[end].body.size() + 1 <= limits.body_max)
      size += all[end++].body.size() + 1;
    auto together = all.subspan(begin, end - begin);
    begin = end;
    if (together.size() >= limits.batch_min) {
      out.envelopes.push_back(batch(together, lane, limits));
      continue;
    }
    for (std::size_t i = 0; i < together.size(); ++i)
      out.envelopes.push_back(single(together.subspan(i, 1), lane, limits));
  }
  return out;
}

result<std::vector<envelope_draft>> split_batch(const sealed_envelope& batch) {
  auto body = json::parse(batch.body, nullptr, false);
  if (batch.endpoint != email_endpoint::batch || !body.is_array() || body.size() != batch.mail_ids.size())
    return failure{failure_class::permanent, "its stored body cannot be split: it is no array of "
                                                 + std::to_string(batch.mail_ids.size()) + " mails"};
  auto prefix = std::string_view{batch.idempotency_key};
  prefix = prefix.substr(0, std::min(prefix.rfind('/'), max_prefix));
  std::vector<envelope_draft> out;
  for (std::size_t i = 0; i < body.size(); ++i) {
    auto id = batch.mail_ids[i];
    out.push_back({email_endpoint::single,
                   batch.lane,
                   key(prefix, 1, "split;" + batch.idempotency_key + ";" + std::to_string(id)),
                   to_text(body[i]),
                   {mail_ref{id, 0}}});
  }
  return out;
}

} // namespace herald
