// The parts of a slot that do not depend on the type of its requests.
#include "actors/slot.hpp"

#include <fmt/format.h>

namespace herald {

namespace {

constexpr auto category = caf::atom("slot");
constexpr std::uint8_t overloaded_code = 1;
constexpr std::uint8_t abandoned_code = 2;

caf::error invalid(std::string text) {
  return caf::make_error(caf::sec::invalid_argument, std::move(text));
}

} // namespace

caf::error validate(const slot_options& x) {
  if (x.window == 0)
    return invalid("slot: window must be at least 1");
  if (x.max_queue == 0)
    return invalid("slot: max_queue must be at least 1");
  if (x.max_blame == 0)
    return invalid("slot: max_blame must be at least 1");
  if (x.max_deliveries == 0)
    return invalid("slot: max_deliveries must be at least 1");
  if (x.retry_delay < duration{1})
    return invalid("slot: retry_delay must be at least 1 ms");
  if (x.retry_delay_max < x.retry_delay)
    return invalid("slot: retry_delay_max must not be below retry_delay");
  return {};
}

// An empty error has no category to ask for.
bool is_overloaded(const caf::error& x) {
  return x && x.category() == category && x.code() == overloaded_code;
}

bool is_abandoned(const caf::error& x) {
  return x && x.category() == category && x.code() == abandoned_code;
}

namespace detail {

caf::error overloaded(std::size_t max_queue) {
  auto text = fmt::format("the queue of this stage is full ({} requests); ask again later", max_queue);
  return {overloaded_code, category, caf::make_message(std::move(text))};
}

caf::error abandoned(std::uint32_t deliveries, const std::string& last_reason) {
  auto text =
      fmt::format("given up: the stage died {} times without an answer to this request, the last time of: {}",
                  deliveries, last_reason);
  return {abandoned_code, category, caf::make_message(std::move(text))};
}

caf::error receiver_down() {
  return caf::make_error(caf::sec::request_receiver_down);
}

bool is_bounce(const caf::error& x) {
  return x == caf::sec::request_receiver_down;
}

duration retry_pause(duration first, duration limit, std::uint32_t failures) {
  auto result = first;
  for (; failures > 0 && result < limit; --failures)
    result += std::min(result, limit - result);
  return std::min(result, limit);
}

} // namespace detail

} // namespace herald
