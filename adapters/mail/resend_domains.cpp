#include "adapters/mail/resend_domains.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include <nlohmann/json.hpp>

namespace herald {

namespace {

using nlohmann::json;
using answer = sender_facts::answer;

std::string text_at(const json& x, const char* key) {
  auto found = x.is_object() ? x.find(key) : x.end();
  return x.is_object() && found != x.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

std::string lower(std::string x) {
  std::ranges::transform(x, x.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return x;
}

void read_list(const json& body, sender_facts& out) {
  auto list = body.is_object() ? body.find("data") : body.end();
  if (!body.is_object() || list == body.end() || !list->is_array()) {
    out.outcome = answer::unreachable;
    out.why = "the provider's list of domains is not understood";
    return;
  }
  out.outcome = answer::listed;
  for (auto& x : *list)
    if (lower(text_at(x, "name")) == out.domain)
      out.status = text_at(x, "status");
}

void read_answer(const http_response& response, sender_facts& out) {
  auto body = json::parse(response.body, nullptr, false);
  if (response.status == 200)
    return read_list(body, out);
  auto name = text_at(body, "name");
  out.why = std::to_string(response.status) + (name.empty() ? "" : " " + name);
  if (name == "restricted_api_key")
    out.outcome = answer::restricted;
  else if (response.status == 401 || response.status == 403)
    out.outcome = answer::refused;
  else {
    out.outcome = answer::unreachable;
    out.why = "the provider answered " + out.why + " when asked for its domains";
  }
}

sender_facts ask(const std::string& domain, const resend_options& options) {
  sender_facts out;
  out.domain = domain;
  auto client = open_resend_client(options);
  if (client.has_error()) {
    out.why = client.error().reason;
    return out;
  }
  http_request request;
  request.target = "/domains";
  request.repeatable = true;
  auto exchange = (*client)->exchange(request);
  if (exchange.response) {
    read_answer(*exchange.response, out);
  } else {
    out.outcome = answer::unreachable;
    out.why = exchange.error;
  }
  return out;
}

} // namespace

sender_facts ask_resend_about(const std::string& domain, const resend_options& options) {
  try {
    return ask(domain, options);
  } catch (const std::exception& e) {
    sender_facts out;
    out.domain = domain;
    out.outcome = answer::unreachable;
    out.why = std::string{"the provider could not be asked: "} + e.what();
    return out;
  }
}

} // namespace herald
