// Sends messages exactly as Herald does, for a comparison on the wire with the official client:
//   send_mail BASE_URL API_KEY IDEMPOTENCY_KEY < message or list of messages as JSON
// Prints what the transport answered.
#include <iostream>
#include <iterator>
#include <string>

#include <nlohmann/json.hpp>

#include "adapters/mail/resend_transport.hpp"
#include "core/email/request_body.hpp"

namespace {

using nlohmann::json;

herald::email_message message_from(const json& x) {
  herald::email_message out;
  out.from = x.at("from");
  out.to = x.at("to");
  out.reply_to = x.value("reply_to", "");
  out.subject = x.at("subject");
  out.html = x.at("html");
  out.text = x.at("text");
  auto headers = x.value("headers", json::object());
  for (auto& [name, value] : headers.items())
    out.headers.emplace_back(name, value);
  for (auto& tag : x.value("tags", json::array()))
    out.tags.emplace_back(tag.at("name"), tag.at("value"));
  return out;
}

} // namespace

int main(int argc, char** argv) {
  try {
    if (argc != 4)
      throw std::invalid_argument("usage: send_mail BASE_URL API_KEY IDEMPOTENCY_KEY < messages.json");
    auto input = json::parse(std::string{std::istreambuf_iterator<char>{std::cin}, {}});
    herald::mail_request request;
    request.idempotency_key = argv[3];
    if (input.is_array()) {
      std::vector<herald::email_message> messages;
      for (auto& x : input)
        messages.push_back(message_from(x));
      request.endpoint = herald::email_endpoint::batch;
      request.body = herald::batch_body(messages);
    } else {
      request.body = herald::single_body(message_from(input));
    }
    herald::resend_options options;
    options.base_url = argv[1];
    options.api_key = herald::secret{argv[2]};
    auto transport = herald::open_resend_transport(options);
    if (transport.has_error())
      throw std::runtime_error(transport.error().reason);
    auto answer = (*transport)->send(request);
    std::cout << json{{"status", answer.status}, {"body", answer.body}, {"error", answer.error}} << '\n';
    return 0;
  } catch (const std::exception& x) {
    std::cerr << x.what() << '\n';
    return 2;
  }
}
