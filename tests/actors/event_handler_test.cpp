// The event handler actor around a handler function: what it passes on, and how it dies.
#define CAF_SUITE event_handler

#include <stdexcept>

#include "actors/event_handler.hpp"
#include "tests/support/scripted_gate.hpp"

#include <caf/test/dsl.hpp>

using namespace herald;
using namespace herald::testing;

namespace {

result<fan_out_plan> handle_test(const event& e, const context&) {
  if (e.data.flag("throw"))
    throw std::runtime_error("the handler met its poison");
  if (!e.data.text("title"))
    return failure{failure_class::permanent, "test needs a title"};
  fan_out_plan out;
  out.notifications.push_back({*e.data.text("title"), "", "/", "{}", {uuid{{1}}}, ""});
  return out;
}

struct fixture : actor_fixture {
  std::shared_ptr<std::vector<plan_batch_ptr>> written = std::make_shared<std::vector<plan_batch_ptr>>();
  std::shared_ptr<std::vector<caf::typed_response_promise<settled_atom>>> answers =
      std::make_shared<std::vector<caf::typed_response_promise<settled_atom>>>();
  notification_writer_actor writer =
      spawn([written = written, answers = answers](
                notification_writer_actor::pointer me) -> notification_writer_actor::behavior_type {
        return {
            [](status_atom) { return stage_status{}; },
            [=](const plan_batch_ptr& x) -> caf::result<settled_atom> {
              written->push_back(x);
              answers->push_back(me->make_response_promise<settled_atom>());
              return answers->back();
            },
            [=](open_atom) { answers->front().deliver(settled_v); },
            [](flush_atom, std::uint64_t) {},
            [](retry_atom) {},
        };
      });
  event_handler_actor aut = spawn(event_handler, handler_row{"test", handle_test},
                                  std::make_shared<const handler_settings>(), writer, logger{});

  static event_batch_ptr batch(std::vector<std::string> payloads) {
    auto out = std::make_shared<event_batch>();
    out->type = "test";
    out->context = std::make_shared<const batch_context>();
    std::int64_t id = 0;
    for (auto& text : payloads) {
      out->events.push_back(make_event(++id, "test", 2, 1));
      out->events.back().event.payload = text;
    }
    return out;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(event_handler_tests, fixture)

CAF_TEST(plans go to the writer whose answer becomes the answer of the batch) {
  auto got = request<settled_atom>(aut, batch({R"({"title": "a"})", R"({"title": "b"})"}));
  consume_messages();
  CAF_REQUIRE_EQUAL(written->size(), 1u);
  CAF_CHECK_EQUAL(written->front()->plans.size(), 2u);
  CAF_CHECK(written->front()->plans[1].claims == std::vector<claim_ref>({{2, 1}}));
  CAF_CHECK(got->pending());
  caf::anon_send(writer, open_v); // this writer takes it as the word to answer
  consume_messages();
  CAF_CHECK(got->value);
}

CAF_TEST(an event that fails travels with its counters beside the plans of the others) {
  request<settled_atom>(aut, batch({R"({"title": "a"})", R"({})", R"([1])"}));
  consume_messages();
  CAF_REQUIRE_EQUAL(written->size(), 1u);
  CAF_CHECK_EQUAL(written->front()->plans.size(), 1u);
  CAF_REQUIRE_EQUAL(written->front()->failures.size(), 2u);
  auto& x = written->front()->failures.front();
  CAF_CHECK_EQUAL(x.claim.event_id, 2);
  CAF_CHECK_EQUAL(x.attempts, 2);
  CAF_CHECK_EQUAL(x.crashes, 1);
  CAF_CHECK(x.why.kind == failure_class::permanent);
}

CAF_TEST(an exception of the handler ends the actor and answers the batch with what it said) {
  auto got = request<settled_atom>(aut, batch({R"({"title": "a"})", R"({"throw": true})"}));
  self->monitor(aut);
  consume_messages();
  CAF_CHECK(written->empty());
  CAF_REQUIRE(!got->pending());
  auto why = to_failure(got->error, sys);
  CAF_CHECK(why.kind == failure_class::crash);
  CAF_CHECK_EQUAL(why.reason, "the handler met its poison");
  bool down = false;
  self->receive([&](const caf::down_msg&) { down = true; });
  CAF_CHECK(down);
}

CAF_TEST(the status names the event type and counts) {
  request<settled_atom>(aut, batch({R"({"title": "a"})", R"({})"}));
  consume_messages();
  auto status = ask<stage_status>(aut, status_v);
  CAF_CHECK_EQUAL(status.name, "event_handler/test");
  CAF_CHECK(status.gauges[0] == std::pair(std::string{"events"}, std::int64_t{2}));
  CAF_CHECK(status.gauges[1] == std::pair(std::string{"failures"}, std::int64_t{1}));
}

CAF_TEST_FIXTURE_SCOPE_END()
