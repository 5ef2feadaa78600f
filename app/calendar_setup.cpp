#include "app/calendar_setup.hpp"

#include <memory>
#include <utility>

#include "adapters/calendar/google_calendar.hpp"

namespace herald {

namespace {

/// Stands in for a client that could be opened at start-up and cannot be any more, e.g. because its file is gone.
class broken_calendar final : public calendar_api {
public:
  explicit broken_calendar(failure why) : why_{std::move(why)} {}

  calendar_answer call(const calendar_call&) override {
    calendar_answer out;
    out.verdict = calendar_verdict::try_later;
    out.why = why_;
    return out;
  }

private:
  failure why_;
};

} // namespace

result<void> add_calendar(run_environment& env) {
  // What cannot work fails at start-up.
  if (auto usable = open_google_calendar(env.cfg.google, env.time); usable.has_error())
    return usable.error();
  env.open_calendar = [google = env.cfg.google, time = env.time,
                       around = env.hooks.around_calendar]() -> std::unique_ptr<calendar_api> {
    auto opened = open_google_calendar(google, time);
    if (opened.has_error())
      return std::make_unique<broken_calendar>(opened.error());
    return around ? around(std::move(*opened)) : std::move(*opened);
  };
  return {};
}

} // namespace herald
