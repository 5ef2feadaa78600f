// The mail gate: one request per connection at a time, a worker that dies is replaced.
#define CAF_SUITE mail_gate

#include <stdexcept>

#include "actors/errors.hpp"
#include "actors/mail_gate.hpp"
#include "tests/support/actor_fixture.hpp"

#include <caf/test/dsl.hpp>

using namespace herald;
using namespace herald::testing;

namespace {

struct transport_script {
  int opened = 0;
  std::vector<mail_request> requests;
  bool throws = false;
};

class scripted_transport final : public mail_transport {
public:
  explicit scripted_transport(std::shared_ptr<transport_script> script) : script_{std::move(script)} {}

  mail_answer send(const mail_request& x) override {
    script_->requests.push_back(x);
    if (std::exchange(script_->throws, false))
      throw std::runtime_error("the transport broke its promise");
    mail_answer out;
    out.status = 200;
    return out;
  }

private:
  std::shared_ptr<transport_script> script_;
};

struct fixture : actor_fixture {
  std::shared_ptr<transport_script> script = std::make_shared<transport_script>();
  mail_gate_config cfg;
  mail_gate_actor aut;

  void start() {
    aut = spawn(
        mail_gate, cfg,
        [script = script]() -> std::unique_ptr<mail_transport> {
          ++script->opened;
          return std::make_unique<scripted_transport>(script);
        },
        gate_threads::scheduled, logger{});
    consume_messages();
  }

  answer_ptr<mail_answer_ptr> send(std::int64_t id) {
    sealed_envelope x;
    x.id = id;
    x.endpoint = email_endpoint::batch;
    x.idempotency_key = "key";
    x.body = "the bytes";
    auto out = request<mail_answer_ptr>(aut, std::make_shared<const sealed_envelope>(std::move(x)));
    consume_messages();
    return out;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(mail_gate_tests, fixture)

CAF_TEST(the transport gets endpoint key and bytes as they were sealed) {
  start();
  auto got = send(1);
  CAF_REQUIRE(got->value);
  CAF_CHECK_EQUAL((*got->value)->status, 200);
  CAF_REQUIRE_EQUAL(script->requests.size(), 1u);
  CAF_CHECK(script->requests[0].endpoint == email_endpoint::batch);
  CAF_CHECK_EQUAL(script->requests[0].idempotency_key, "key");
  CAF_CHECK_EQUAL(script->requests[0].body, "the bytes");
}

CAF_TEST(connections are made when they are needed and kept) {
  cfg.workers = 1;
  start();
  CAF_CHECK_EQUAL(script->opened, 0);
  send(1);
  send(2);
  CAF_CHECK_EQUAL(script->opened, 1);
}

CAF_TEST(a worker that dies costs its own request alone and is replaced) {
  cfg.workers = 1;
  start();
  script->throws = true;
  auto lost = send(1);
  CAF_CHECK(lost->error);
  auto next = send(2);
  CAF_CHECK(next->value);
  CAF_CHECK_EQUAL(script->opened, 2);
}

CAF_TEST(an unusable configuration stops the actor with the name of the field) {
  cfg.workers = 0;
  auto broken = sys.spawn(
      mail_gate, cfg, []() -> std::unique_ptr<mail_transport> { return nullptr; }, gate_threads::scheduled,
      logger{});
  self->monitor(broken);
  consume_messages();
  self->receive(
      [&](const caf::down_msg& x) { CAF_CHECK(to_string(x.reason).find("workers") != std::string::npos); });
}

CAF_TEST_FIXTURE_SCOPE_END()
