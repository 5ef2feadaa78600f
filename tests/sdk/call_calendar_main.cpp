// Calls Google exactly as Herald does, for a comparison on the wire with the official client:
//   call_calendar BASE_URL < {"client_id", "client_secret", "channel_secret", "refresh_token", "calendar_id",
//                             "channel_id", "address", "now"}
// Refreshes, makes a channel and ends it; prints what each call came to, one JSON object per line.
#include <iostream>
#include <iterator>
#include <stdexcept>
#include <string>

#include <nlohmann/json.hpp>

#include "adapters/calendar/google_calendar.hpp"

namespace {

using nlohmann::json;

/// The fake's clock stands; this one stands with it.
class fixed_clock final : public herald::clock {
public:
  explicit fixed_clock(herald::timestamp now) : now_{now} {}

  herald::timestamp now() const override { return now_; }

private:
  herald::timestamp now_;
};

herald::calendar_answer report(herald::calendar_answer x) {
  std::cout << json{{"verdict", herald::to_string(x.verdict)}, {"why", x.why.reason}} << '\n';
  return x;
}

} // namespace

int main(int argc, char** argv) {
  try {
    if (argc != 2)
      throw std::invalid_argument("usage: call_calendar BASE_URL < values.json");
    auto input = json::parse(std::string{std::istreambuf_iterator<char>{std::cin}, {}});
    herald::google_options options;
    options.client_id = input.at("client_id");
    options.client_secret = herald::secret{input.at("client_secret").get<std::string>()};
    options.channel_secret = herald::secret{input.at("channel_secret").get<std::string>()};
    options.token_url = std::string{argv[1]} + "/token";
    options.api_url = argv[1];
    auto now = herald::from_epoch_ms(input.at("now").get<std::int64_t>());
    auto calendar = herald::open_google_calendar(options, std::make_shared<fixed_clock>(now));
    if (calendar.has_error())
      throw std::runtime_error(calendar.error().reason);
    auto& google = **calendar;
    auto token = report(
        google.call(herald::token_refresh{herald::secret{input.at("refresh_token").get<std::string>()}, {}}));
    herald::watch_creation wanted;
    wanted.access_token = token.access_token;
    wanted.calendar_id = input.at("calendar_id");
    wanted.channel_id = input.at("channel_id");
    wanted.address = input.at("address");
    auto channel = report(google.call(wanted));
    report(google.call(herald::watch_stop{token.access_token, wanted.channel_id, channel.resource_id}));
    return 0;
  } catch (const std::exception& x) {
    std::cerr << x.what() << '\n';
    return 2;
  }
}
