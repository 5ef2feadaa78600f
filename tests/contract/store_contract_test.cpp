// The vocabulary of the store's contract suites.
#include <algorithm>
#include <stdexcept>

#include "core/payload.hpp"
#include "tests/contract/store_contract.hpp"

namespace herald::test {

// -- fixture ------------------------------------------------------------------------------------------------

store_contract::store_contract() : backend{GetParam().make()}, store{backend->open()} {
  auto done = store.platform.insert_platform_rows(make_world(), t0 - std::chrono::hours{48});
  if (done.has_error())
    throw std::runtime_error(to_string(done.error()));
}

std::int64_t store_contract::emit(const new_event& event) {
  return value_of(store.operations.insert_events(std::span{&event, 1}, now)).at(0);
}

std::vector<std::int64_t> store_contract::emit_plain(std::size_t n, std::string_view type) {
  new_event event;
  event.type = type;
  return value_of(store.operations.insert_events(std::vector(n, event), now));
}

std::int64_t store_contract::emit_chat(const uuid& thread) {
  new_event event;
  event.type = "chat_message_sent";
  event.actor_id = ids::mia;
  event.project_id = ids::tower;
  event.thread_id = thread;
  return emit(event);
}

claim_request store_contract::request(std::uint32_t limit, std::string_view worker) const {
  claim_request out;
  out.worker = worker;
  out.now = now;
  out.limit = limit;
  return out;
}

claimed_batch store_contract::claim(std::uint32_t limit, std::string_view worker) {
  return value_of(store.events.claim(request(limit, worker)));
}

claimed_event store_contract::claim_one(std::string_view worker) {
  auto batch = claim(100, worker);
  if (batch.events.size() != 1)
    throw std::runtime_error("expected one claimed event, got " + std::to_string(batch.events.size()));
  return batch.events.front();
}

commit_report store_contract::commit(std::vector<fan_out_plan> plans, std::vector<settled_failure> failures,
                                     std::string_view worker) {
  auto batch = std::make_shared<plan_batch>();
  batch->plans = std::move(plans);
  commit_request x;
  x.worker = worker;
  x.now = now;
  x.batches = {batch};
  x.failures = std::move(failures);
  return value_of(store.events.commit(x));
}

commit_report store_contract::fail(const claimed_event& event, failure why,
                                   std::optional<timestamp> retry_at) {
  return commit({},
                {{{event.ref(), event.event.type, event.attempts, event.crashes, std::move(why)}, retry_at}});
}

explanation store_contract::explain(std::int64_t event_id) {
  auto out = value_of(store.operations.explain(event_id));
  if (!out)
    throw std::runtime_error("there is no event " + std::to_string(event_id));
  return *out;
}

store_status store_contract::status() {
  return value_of(store.operations.status(now, std::chrono::hours{24}));
}

store_summary store_contract::summary() {
  return value_of(store.operations.summarize());
}

// -- plans --------------------------------------------------------------------------------------------------

fan_out_plan empty_plan(const claimed_event& event) {
  fan_out_plan out;
  out.claims = {event.ref()};
  out.event_type = event.event.type;
  return out;
}

fan_out_plan notify_plan(const claimed_event& event, std::vector<uuid> users) {
  auto out = empty_plan(event);
  out.notifications = {
      {"Title", "**Body**", "/dashboard", R"({"type":"document_uploaded"})", std::move(users), ""}};
  return out;
}

fan_out_plan roll_up_plan(const claimed_event& event, std::vector<uuid> users, const uuid& thread) {
  auto out = empty_plan(event);
  out.roll_ups = {{thread, "#Closing", "Tower", "/project/workspace/x?tab=chat", std::move(users)}};
  return out;
}

fan_out_plan email_plan(const claimed_event& event, std::vector<uuid> immediate,
                        std::vector<uuid> aggregated) {
  auto out = empty_plan(event);
  email_draft draft;
  draft.project_id = ids::tower;
  draft.project_name = "Tower";
  draft.subject = "Subject";
  draft.body_data = R"({"link_url":"/dashboard"})";
  draft.immediate = std::move(immediate);
  draft.aggregated = std::move(aggregated);
  out.emails = {draft};
  return out;
}

// -- looking ------------------------------------------------------------------------------------------------

std::vector<std::int64_t> ids_of(const claimed_batch& batch) {
  std::vector<std::int64_t> out;
  for (auto& x : batch.events)
    out.push_back(x.event.id);
  return out;
}

std::vector<std::string> outcome_lines(const explanation& x) {
  std::vector<std::string> out;
  for (auto& o : x.outcomes)
    out.push_back(o.channel + " " + o.state + " " + o.reason + " " + o.user_name);
  std::ranges::sort(out);
  return out;
}

std::int64_t count_in(const notification_row& row) {
  auto data = payload::parse(row.payload);
  return data ? data->integer("count").value_or(-1) : -1;
}

} // namespace herald::test
