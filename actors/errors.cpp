#include "actors/errors.hpp"

#include "actors/caf_compat.hpp"
#include "actors/slot.hpp"

namespace herald {

namespace {

constexpr auto category = caf::atom("herald");

/// 0 would read as "no error".
constexpr std::uint8_t code_of(failure_class x) {
  return static_cast<std::uint8_t>(static_cast<std::uint8_t>(x) + 1);
}

} // namespace

caf::error to_error(const failure& x) {
  return {code_of(x.kind), category, caf::make_message(x.reason)};
}

bool is_herald_outage(const caf::error& x) {
  return x && x.category() == category && x.code() == code_of(failure_class::outage);
}

failure to_failure(const caf::error& x, const caf::actor_system& sys) {
  if (!x)
    return {failure_class::transient, "a failure without a reason"};
  auto text = act::text_of(x, sys);
  if (x.category() == category)
    return {static_cast<failure_class>(x.code() - 1), std::move(text)};
  if (x.category() == caf::atom("exception"))
    return {failure_class::crash, std::move(text)};
  if (is_overloaded(x))
    return {failure_class::outage, "the stage's queue is full"};
  if (is_abandoned(x))
    return {failure_class::crash, std::move(text)};
  for (auto outage :
       {caf::sec::request_timeout, caf::sec::request_receiver_down, caf::sec::no_proxy_registry})
    if (x == outage)
      return {failure_class::outage, std::move(text)};
  return {failure_class::transient, std::move(text)};
}

} // namespace herald
