#include "app/calendar_setup.hpp"

#include <memory>
#include <utility>

#include "adapters/calendar/google_calendar.hpp"
#include "adapters/system_clock.hpp"

namespace herald {

namespace {

/// Stands in for a client that cannot be opened.
class broken_calendar final : public calendar_api {
public:
  explicit broken_calendar(failure why) : why_{std::move(why)} {}

  calendar_answer call(const calendar_call&) override {
    calendar_answer out;
    out.verdict = calendar_verdict::misconfigured;
    out.why = why_;
    return out;
  }

private:
  failure why_;
};

} // namespace

result<void> check_calendar(const google_options& options) {
  auto usable = open_google_calendar(options, std::make_shared<const system_clock>());
  if (usable.has_error())
    return usable.error();
  return {};
}

calendar_opener calendar_for_run(const run_environment& env) {
  return [google = env.cfg.google, time = env.time,
          around = env.hooks.around_calendar]() -> std::unique_ptr<calendar_api> {
    auto opened = open_google_calendar(google, time);
    if (opened.has_error())
      return std::make_unique<broken_calendar>(opened.error());
    return around ? around(std::move(*opened)) : std::move(*opened);
  };
}

calendar_opener calendar_for_daemon(const run_environment& env) {
  auto& google = env.cfg.google;
  if (auto usable = check_calendar(google); usable.has_error())
    env.log.error(calendar_watches_job, "unusable", "calendar watches cannot be renewed: {}",
                  usable.error().reason);
  else if (!google.client_id.empty() && google.channel_secret.empty())
    env.log.warning(calendar_watches_job, "unsigned-channels",
                    "channels carry no token, so the webhook cannot tell Google from anybody else; set "
                    "GOOGLE_CHANNEL_SECRET here and at the webhook");
  return calendar_for_run(env);
}

} // namespace herald
