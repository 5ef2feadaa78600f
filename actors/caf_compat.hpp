// The only header that names what CAF 0.17 spells differently from later versions: atoms, in-process message
// types, the silencing of an actor's defaults. A port to a newer CAF rewrites this file, messages/actors.hpp
// and tests/support/actor_fixture.hpp (docs/adr/0001).
#pragma once

#include <exception>
#include <string>
#include <utility>

#include <caf/all.hpp>

// An atom: `x_atom` in signatures, `x_v` as the value. At most 10 characters (CAF packs them into 64 bits).
#define HERALD_ATOM(ident, text)                                                                             \
  using ident##_atom = ::caf::atom_constant<::caf::atom(text)>;                                              \
  inline constexpr auto ident##_v = ident##_atom::value;

// Declares a type that travels between actors of one process and is never serialized. Global scope.
#define HERALD_LOCAL_MESSAGE(type) CAF_ALLOW_UNSAFE_MESSAGE_TYPE(type)

namespace herald::act {

/// The error an actor's exception becomes; the request that threw is answered with it.
inline caf::error exception_error(const std::exception_ptr& p) {
  try {
    std::rethrow_exception(p);
  } catch (const std::exception& e) {
    return {1, caf::atom("exception"), caf::make_message(std::string{e.what()})};
  } catch (...) {
    return {2, caf::atom("exception"), caf::make_message(std::string{"an exception of an unknown type"})};
  }
}

/// The first string in an error's context, else CAF's rendering: what people should read.
inline std::string text_of(const caf::error& x, const caf::actor_system& sys) {
  if (x && x.context().size() > 0 && x.context().match_element<std::string>(0))
    return x.context().get_as<std::string>(0);
  return sys.render(x);
}

/// Turns exceptions into exit reasons and silences CAF's output to stdout. Every actor calls it first.
template <class Self> void harden(Self* self) {
  self->set_default_handler(caf::drop); // a request is still answered: sec::unexpected_message
  self->set_exception_handler([](std::exception_ptr& p) -> caf::error { return exception_error(p); });
  self->set_down_handler([](caf::scheduled_actor*, caf::down_msg&) {});
  self->set_error_handler([](caf::scheduled_actor*, caf::error&) {});
}

/// Scheduler settings: no idle wake-ups, no actor starves the rest (docs/adr/0001).
inline void configure(caf::actor_system_config& cfg, std::size_t threads) {
  cfg.set("scheduler.policy", caf::atom("sharing"));
  cfg.set("scheduler.max-threads", threads);
  cfg.set("scheduler.max-throughput", 100);
  cfg.set("logger.file-verbosity", caf::atom("quiet"));
}

} // namespace herald::act
