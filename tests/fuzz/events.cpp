// Events to plans: whatever a payload holds and the world looks like, an event ends as a plan or as a failure, and what
// people read is harmless.
#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "core/handlers.hpp"
#include "core/text.hpp"
#include "tests/fuzz/target.hpp"

namespace herald {
namespace {

using fuzz::choices;
using fuzz::has_control_character;
using fuzz::require;

// The ids of the sample events (tests/core/events), so that these are seeds.
constexpr std::size_t most_people = 6;

uuid id(std::uint8_t kind, std::uint8_t n) {
  uuid out{};
  std::fill_n(out.begin(), 4, kind);
  out.data[6] = 0x40;
  out.data[8] = 0x80;
  out.data[15] = n;
  return out;
}

uuid person(std::size_t n) {
  return id(0xAA, n == 0 ? 0x26 : static_cast<std::uint8_t>(n));
}

const uuid the_org = id(0xBB, 1);
const uuid the_project = id(0xCC, 1);
const uuid the_resource = id(0xDD, 1);
const uuid the_thread = id(0xEE, 1);
const uuid the_meeting = id(0xFF, 1);

std::vector<uuid> some_people(choices& pick) {
  std::vector<uuid> out;
  for (std::size_t n = 0; n < most_people; ++n)
    if (!pick.flag())
      out.push_back(person(n));
  return out;
}

std::optional<uuid> maybe(choices& pick, const uuid& x) {
  return pick.flag() ? std::nullopt : std::optional{x};
}

preference some_preference(choices& pick, std::string_view event_type) {
  static constexpr std::array channels{"*", "in_app", "email"};
  preference out;
  out.scope = static_cast<preference_scope>(pick.below(3));
  if (out.scope != preference_scope::global)
    out.scope_id = out.scope == preference_scope::thread ? the_thread : the_project;
  out.event_type = pick.flag() ? "*" : event_type;
  out.channel = channels[pick.below(channels.size())];
  out.status = static_cast<preference_status>(pick.below(3));
  return out;
}

/// Names come from `names`, a line each; what is there and who belongs to it from `pick`.
batch_context some_world(choices& pick, fuzz::input names, std::string_view event_type, timestamp now) {
  batch_context out;
  out.now = now;
  for (auto& user : some_people(pick)) {
    out.profiles[user] = {std::string{names.line()}, std::string{names.line()}};
    if (pick.flag())
      out.preferences[user].push_back(some_preference(pick, event_type));
  }
  if (!pick.flag())
    out.orgs[the_org] = {std::string{names.line()}, some_people(pick)};
  if (!pick.flag())
    out.projects[the_project] = {std::string{names.line()}, the_org, some_people(pick)};
  if (!pick.flag()) {
    auto viewers = some_people(pick);
    out.resources[the_resource] = {
        std::string{names.line()}, the_org, maybe(pick, the_project), {viewers.begin(), viewers.end()}};
  }
  if (!pick.flag())
    out.threads[the_thread] = {std::string{names.line()}, the_project, some_people(pick)};
  if (!pick.flag()) {
    static constexpr std::array states{"scheduled", "cancelled", "completed"};
    auto title = std::string{names.line()};
    auto link = std::string{names.line()};
    out.meetings[the_meeting] = {title,
                                 now + duration{60'000 * static_cast<int>(pick.below(60))},
                                 link,
                                 person(pick.below(most_people)),
                                 maybe(pick, the_project),
                                 states[pick.below(states.size())],
                                 some_people(pick)};
  }
  if (pick.flag())
    out.nudges.push_back({person(pick.below(most_people)), the_project, pick.flag() ? "project" : "borrower",
                          static_cast<std::int64_t>(pick.below(5)), now - duration{1'000}});
  if (pick.flag())
    out.edits[the_project] = {now - duration{2'000}, std::nullopt};
  return out;
}

domain_event some_event(choices& pick, std::string_view type, std::string_view payload, std::int64_t n,
                        timestamp now) {
  domain_event out;
  out.id = n;
  out.type = type;
  out.actor_id = maybe(pick, person(pick.below(most_people)));
  out.project_id = maybe(pick, the_project);
  out.resource_id = maybe(pick, the_resource);
  out.thread_id = maybe(pick, the_thread);
  out.meeting_id = maybe(pick, the_meeting);
  out.payload = payload;
  out.created_at = now - duration{5'000};
  return out;
}

// -- promises -----------------------------------------------------------------------------------------------

void expect_line(const std::string& text, std::string_view what) {
  require(!text.empty() && text.size() <= 4'000, what, text);
  require(!has_control_character(text), what, text);
}

void expect_sound_link(const std::string& link) {
  require(link.starts_with("/project/workspace/") || link.starts_with("/dashboard?") || link == "/team",
          "a link is site-relative", link);
  require(!has_control_character(link), "a link has no control characters", link);
}

void expect_object(const std::string& text, std::string_view key) {
  auto data = nlohmann::json::parse(text, nullptr, false);
  require(data.is_object() && data.contains(key) && data[key].is_string(),
          "a payload is an object with its key", text);
}

/// The recipients of one plan: known to the world, and none twice on a channel.
class recipients {
public:
  explicit recipients(const batch_context& world) : world_{world} {}

  void reach(const std::vector<uuid>& users, channel on) {
    for (auto& user : users)
      require(world_.profiles.contains(user), "a recipient has a profile", to_string(user));
    settle(users, on);
  }

  void settle(const std::vector<uuid>& users, channel on) {
    for (auto& user : users)
      require(seen_.emplace(user, on).second, "a recipient is settled once per channel", to_string(user));
  }

private:
  const batch_context& world_;
  std::set<std::pair<uuid, channel>> seen_;
};

void expect_sound(const fan_out_plan& plan, const batch_context& world) {
  recipients all{world};
  for (auto& x : plan.notifications) {
    expect_line(x.title, "a title is a line");
    require(!x.body.empty() && x.body.size() <= 8'000 && !has_control_character(x.body), "a body is a line",
            x.body);
    require(x.payload.size() <= 16'000, "a payload is bounded", x.payload);
    expect_object(x.payload, "type");
    expect_sound_link(x.link_url);
    all.reach(x.users, channel::in_app);
  }
  for (auto& x : plan.roll_ups) {
    expect_line(x.thread_label, "a thread label is a line");
    require(x.thread_label.starts_with('#'), "a thread label starts with #", x.thread_label);
    expect_sound_link(x.link_url);
    all.reach(x.users, channel::in_app);
  }
  for (auto& x : plan.emails) {
    expect_line(x.subject, "a subject is a line");
    expect_object(x.body_data, "link_url");
    all.reach(x.immediate, channel::email);
    all.reach(x.aggregated, channel::email);
  }
  for (auto& x : plan.skips)
    if (x.reason != "duplicate" || plan.claims.size() == 1)
      all.settle(x.users, x.channel);
  require(!has_control_character(plan.warning), "a warning is a line", plan.warning);
}

void expect_all_settled(const plan_batch& out, const event_batch& batch) {
  std::map<std::int64_t, int> seen;
  for (auto& plan : out.plans)
    for (auto& claim : plan.claims)
      ++seen[claim.event_id];
  for (auto& x : out.failures)
    ++seen[x.claim.event_id];
  require(seen.size() == batch.events.size(), "every event is settled");
  for (auto& [event, times] : seen)
    require(times == 1, "an event is settled once", std::to_string(event));
}

/// One of the table, or the one for types that are not in it.
const handler_row& some_row(choices& pick) {
  auto n = pick.below(handlers().size() + 1);
  return n == handlers().size() ? unknown_type_handler() : handlers()[n];
}

} // namespace
} // namespace herald

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace herald;
  constexpr std::size_t most_events = 4;
  fuzz::input in{data, size};
  fuzz::choices pick{in.line()};
  const auto now = from_epoch_ms(1'768'919'400'000);
  const auto& row = some_row(pick);
  const auto names = in.next();
  const auto type = std::string{row.event_type.empty() ? names : row.event_type};
  event_batch batch;
  batch.type = type;
  auto world =
      some_world(pick, {reinterpret_cast<const std::uint8_t*>(names.data()), names.size()}, type, now);
  do {
    auto n = static_cast<std::int64_t>(batch.events.size() + 1);
    batch.events.push_back({some_event(pick, type, in.next(), n, now), 1, 0, 0});
  } while (!in.empty() && batch.events.size() < most_events);
  batch.context = std::make_shared<batch_context>(world);
  auto out = plan_events(row, batch, {});
  expect_all_settled(out, batch);
  for (auto& plan : out.plans)
    expect_sound(plan, world);
  for (auto& x : out.failures) {
    fuzz::require(x.why.kind == failure_class::permanent, "an event at fault fails for good", x.why.reason);
    fuzz::require(!fuzz::has_control_character(x.why.reason), "a reason is a line", x.why.reason);
  }
  return 0;
}
