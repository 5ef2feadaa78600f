// The small readers of strangers' text: times, ids, payloads, Markdown, addresses, lists of calendars, stored requests.
#include <algorithm>
#include <array>
#include <string>

#include <nlohmann/json.hpp>

#include "adapters/http/header_values.hpp"
#include "adapters/http/url.hpp"
#include "core/calendar/renewal.hpp"
#include "core/email/addresses.hpp"
#include "core/email/markdown_html.hpp"
#include "core/email/request_body.hpp"
#include "core/email/safe_text.hpp"
#include "core/iso8601.hpp"
#include "core/markdown.hpp"
#include "core/payload.hpp"
#include "core/text.hpp"
#include "tests/fuzz/html.hpp"
#include "tests/fuzz/target.hpp"

namespace herald {
namespace {

using fuzz::has_control_character;
using fuzz::require;

std::string lower(std::string_view text) {
  auto out = std::string{text};
  std::ranges::transform(out, out.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

void iso8601(std::string_view text) {
  if (auto time = from_iso8601(text)) {
    auto written = to_iso8601(*time);
    require(from_iso8601(written) == time, "a time that was read is read again", written);
  }
}

void uuids(std::string_view text) {
  if (auto id = parse_uuid(text))
    require(to_string(*id) == lower(text), "an id stays what it is", text);
}

/// Every way to ask for every key; what comes out is text, and the object survives being copied.
void payloads(std::string_view text) {
  auto data = payload::parse(text);
  if (!data) {
    require(data.error().kind == failure_class::permanent && !has_control_character(data.error().reason),
            "a refusal is for good, and a line", data.error().reason);
    return;
  }
  for (auto& [key, value] : data->json().items()) {
    if (auto found = data->text(key))
      require(!found->empty() && !invalid_utf8_at(*found), "a text is one", *found);
    data->id(key);
    data->integer(key);
    data->flag(key);
    data->ids(key);
    data->object(key);
  }
  json_object copy;
  copy.set("copy", *data).set("text", text);
  auto written = copy.str();
  auto again = nlohmann::json::parse(written, nullptr, false);
  require(again.is_object() && again["copy"] == data->json(), "a copied payload is the same", written);
}

void expect_line(const std::string& text, std::string_view what, std::string_view source) {
  require(!has_control_character(text), what, text);
  require(invalid_utf8_at(source).has_value() || !invalid_utf8_at(text), what, text);
}

std::size_t characters_in(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

void lines(std::string_view text) {
  expect_line(one_line(text, 20), "one line is one", text);
  require(invalid_utf8_at(text) || characters_in(one_line(text, 20)) <= 20, "one line is bounded", text);
  expect_line(markdown_escape(text), "escaped Markdown is a line", text);
  expect_line(bold(text), "bold type is a line", text);
  expect_line(bold_label(thread_label(text)), "a label is a line", text);
  expect_line(message_body(text), "a message is a line", text);
  auto safe = safe_line(text, 20);
  require(!has_control_character(safe) && !invalid_utf8_at(safe) && characters_in(safe) <= 20,
          "a safe line is one", safe);
  require(!invalid_utf8_at(safe_block(text, 100)), "a safe block is UTF-8");
  require(!invalid_utf8_at(repair_utf8(text)), "repaired text is UTF-8");
  auto escaped = html_escape(text);
  require(escaped.find_first_of("<>\"'") == std::string::npos, "escaped HTML has no tags", escaped);
}

void expect_known_tags(const std::string& html) {
  for (auto& tag : fuzz::tags_in(html))
    require(fuzz::markdown_tags().contains(tag), "Markdown becomes harmless HTML", tag);
}

/// What a name became is shown as the name that it is.
void markdown(std::string_view text) {
  auto whole = render_markdown(text);
  auto line = render_markdown_line(text);
  expect_known_tags(whole.html);
  expect_known_tags(line.html);
  require(!has_control_character(line.text), "a rendered line is one", line.text);
  auto literal = safe_line(text, 200);
  auto shown = render_markdown_line(markdown_escape(literal)).text;
  require(shown == literal, "escaped Markdown shows the text itself", shown);
}

void calendars(std::string_view text) {
  auto chosen = choose_calendar(text);
  require(!chosen.empty(), "there is always a calendar", chosen);
}

void addresses(std::string_view text) {
  if (!why_no_address(text) || !why_no_mailbox(text))
    require(!has_control_character(text), "an address is a line", text);
  if (!why_no_base_url(text))
    require(text.starts_with(absolute_link(text, "//elsewhere.example")),
            "a link that leads elsewhere leads to the site", text);
  auto link = absolute_link("https://capmatch.com", text);
  require(link == "https://capmatch.com" || link.starts_with("https://capmatch.com/"),
          "a link stays on the site", link);
  if (auto url = parse_http_url(text)) {
    auto again = parse_http_url(to_string(*url) + url->path);
    require(again && again->host == url->host && again->port == url->port && again->path == url->path,
            "an address that was read is read again", to_string(*url));
  }
}

void numbers(std::string_view text) {
  if (auto x = leading_number(text))
    require(*x >= 0 && wait_of_seconds(*x) <= std::chrono::hours{24}, "a number is one", text);
}

/// A request as it stands in the store, which is taken apart when the provider refuses it as a whole.
void stored_requests(std::string_view text) {
  sealed_envelope batch;
  batch.endpoint = email_endpoint::batch;
  batch.idempotency_key = "herald/b/1";
  batch.body = text;
  batch.mail_ids = {1, 2};
  auto parts = split_batch(batch);
  if (!parts)
    require(!has_control_character(parts.error().reason), "a refusal is a line", parts.error().reason);
  else
    for (auto& part : *parts)
      require(nlohmann::json::accept(part.body), "a part is JSON", part.body);
}

using target = void (*)(std::string_view);

constexpr std::array targets{target{iso8601},   target{uuids},    target{payloads},
                             target{lines},     target{markdown}, target{calendars},
                             target{addresses}, target{numbers},  target{stored_requests}};

} // namespace
} // namespace herald

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace herald;
  fuzz::input in{data, size};
  fuzz::choices pick{in.line()};
  targets[pick.below(targets.size())](in.next());
  return 0;
}
