// The calendar gate: so many calls at once as it has workers, a worker that dies is replaced.
#define CAF_SUITE calendar_gate

#include <stdexcept>

#include "actors/calendar_gate.hpp"
#include "actors/errors.hpp"
#include "tests/support/actor_fixture.hpp"

#include <caf/test/dsl.hpp>

using namespace herald;
using namespace herald::testing;

namespace {

struct api_script {
  int opened = 0;
  std::vector<std::string> channels;
  calendar_verdict verdict = calendar_verdict::done;
  bool throws = false;
};

class scripted_api final : public calendar_api {
public:
  explicit scripted_api(std::shared_ptr<api_script> script) : script_{std::move(script)} {}

  calendar_answer call(const calendar_call& x) override {
    script_->channels.push_back(std::get<watch_stop>(x).channel_id);
    if (std::exchange(script_->throws, false))
      throw std::runtime_error("the client broke its promise");
    calendar_answer out;
    out.verdict = script_->verdict;
    out.resource_id = "r";
    return out;
  }

private:
  std::shared_ptr<api_script> script_;
};

struct fixture : actor_fixture {
  std::shared_ptr<api_script> script = std::make_shared<api_script>();
  calendar_gate_config cfg;
  calendar_gate_actor aut;

  void start() {
    aut = spawn(
        calendar_gate, cfg,
        [script = script]() -> std::unique_ptr<calendar_api> {
          ++script->opened;
          return std::make_unique<scripted_api>(script);
        },
        gate_threads::scheduled, logger{});
    consume_messages();
  }

  static calendar_call_ptr stop(const std::string& channel) {
    return std::make_shared<const calendar_call>(watch_stop{secret{std::string{"token"}}, channel, "r"});
  }

  answer_ptr<calendar_answer_ptr> send(const std::string& channel) {
    auto out = request<calendar_answer_ptr>(aut, stop(channel));
    consume_messages();
    return out;
  }

  std::int64_t gauge(const stage_status& x, const std::string& name) {
    for (auto& [key, value] : x.gauges)
      if (key == name)
        return value;
    return -1;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(calendar_gate_tests, fixture)

CAF_TEST(a call reaches the provider and its answer comes back whatever it says) {
  start();
  script->verdict = calendar_verdict::try_later;
  auto got = send("a");
  CAF_REQUIRE(got->value);
  CAF_CHECK((*got->value)->verdict == calendar_verdict::try_later);
  CAF_CHECK_EQUAL((*got->value)->resource_id, "r");
  CAF_CHECK_EQUAL(script->channels, std::vector<std::string>{"a"});
}

CAF_TEST(no more calls are under way than there are workers and the others wait in order) {
  cfg.workers = 2;
  start();
  // All of this is in the gate's mailbox before a worker sees its first call.
  std::vector<answer_ptr<calendar_answer_ptr>> calls;
  for (auto* channel : {"a", "b", "c", "d", "e"})
    calls.push_back(request<calendar_answer_ptr>(aut, stop(channel)));
  auto status = request<stage_status>(aut, status_v);
  consume_messages();
  CAF_REQUIRE(status->value);
  CAF_CHECK_EQUAL(gauge(*status->value, "busy"), 2);
  CAF_CHECK_EQUAL(gauge(*status->value, "queued"), 3);
  for (auto& x : calls)
    CAF_CHECK(x->value);
  CAF_CHECK_EQUAL(script->channels, (std::vector<std::string>{"a", "b", "c", "d", "e"}));
  CAF_CHECK_EQUAL(gauge(ask<stage_status>(aut, status_v), "busy"), 0);
}

CAF_TEST(clients are made when they are needed and kept) {
  cfg.workers = 1;
  start();
  CAF_CHECK_EQUAL(script->opened, 0);
  send("a");
  send("b");
  CAF_CHECK_EQUAL(script->opened, 1);
}

CAF_TEST(a worker that dies costs its own call alone and is replaced) {
  cfg.workers = 1;
  start();
  script->throws = true;
  auto lost = request<calendar_answer_ptr>(aut, stop("a"));
  auto waits = request<calendar_answer_ptr>(aut, stop("b"));
  consume_messages();
  CAF_REQUIRE(!lost->pending() && !lost->value);
  CAF_CHECK(to_failure(lost->error, sys).kind == failure_class::crash);
  CAF_CHECK(waits->value);
  CAF_CHECK_EQUAL(script->opened, 2);
  CAF_CHECK_EQUAL(gauge(ask<stage_status>(aut, status_v), "workers"), 1);
}

CAF_TEST(an unusable configuration stops the actor with the name of the field) {
  for (auto workers : {0u, 65u}) {
    CAF_CHECK(to_string(validate(calendar_gate_config{workers})).find("workers") != std::string::npos);
    cfg.workers = workers;
    start();
    auto refused = send("a");
    CAF_CHECK(refused->error == caf::sec::request_receiver_down);
  }
}

CAF_TEST_FIXTURE_SCOPE_END()
