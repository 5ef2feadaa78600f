// A day of the demo's company in seconds: the clock jumps from one five minutes to the next, and everything that time
// brings about happens: reminders, nudges, digests, the renewal of calendar watches.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "adapters/calendar/calendar_api.hpp"
#include "adapters/calendar/simulated_google.hpp"
#include "adapters/clock.hpp"
#include "adapters/store/sqlite/sqlite_store.hpp"
#include "app/demo/company.hpp"
#include "app/session.hpp"
#include "messages/failure.hpp"

namespace herald {

/// Goes like the wall's clock, and can be set forward. From any thread.
class demo_clock final : public clock {
public:
  demo_clock(std::shared_ptr<const clock> wall, timestamp now);

  timestamp now() const override;

  /// Never goes back.
  void jump_to(timestamp x);

private:
  std::shared_ptr<const clock> wall_;
  std::atomic<std::int64_t> shift_ms_;
};

/// A provider that knows the company's calendars, and has the channels that the company's rows then name. One person has
/// taken Herald's access away, and it is slow to answer another once.
std::shared_ptr<simulated_google> connect_calendars(company& firm, const std::shared_ptr<const clock>& time);

/// The real client, with the simulation in place of the network.
std::unique_ptr<calendar_api> open_demo_calendar(const std::shared_ptr<simulated_google>& google,
                                                 const std::shared_ptr<const clock>& time);

struct demo_day_options {
  duration length{};
  /// Told each line of the timeline.
  std::function<void(const std::string&)> tell;
  /// Whether to go on; asked between steps.
  std::function<bool()> going;
};

/// Plays the day, and for two hours of it has Herald switched off. Returns when everything that was due is done.
result<void> play_demo_day(session& pipeline, sqlite_store& store, demo_clock& time, const company& firm,
                           const demo_day_options& options);

} // namespace herald
