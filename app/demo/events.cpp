#include "app/demo/events.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "app/demo/crash_handler.hpp"

namespace herald {

namespace {

using namespace std::chrono_literals;
using nlohmann::json;

/// How many of a hundred events are of a type on a busy platform.
constexpr std::array<std::pair<std::string_view, unsigned>, 14> mix{{
    {"chat_message_sent", 38},
    {"document_uploaded", 20},
    {"document_permission_granted", 6},
    {"meeting_reminder", 6},
    {"meeting_invited", 5},
    {"meeting_updated", 4},
    {"thread_unread_stale", 4},
    {"project_access_granted", 4},
    {"resume_incomplete_nudge", 3},
    {"chat_thread_participant_added", 3},
    {"invite_accepted", 2},
    {"project_access_changed", 2},
    {"document_permission_changed", 2},
    {"resume_permission_granted", 1},
}};

constexpr unsigned mix_total = [] {
  unsigned sum = 0;
  for (auto& entry : mix)
    sum += entry.second;
  return sum;
}();

std::string_view any_type(random_source& random) {
  auto ticket = random.below(mix_total);
  for (auto& [type, share] : mix) {
    if (ticket < share)
      return type;
    ticket -= share;
  }
  return mix.front().first;
}

class demo_script {
public:
  demo_script(const company& firm, const demo_event_options& options)
      : firm_{firm}, random_{options.seed}, count_{std::max(options.count, demo_event_types().size())},
        now_{options.now} {
    // nop
  }

  std::vector<new_event> write() && {
    for (std::size_t i = 0; i < count_; ++i) {
      add_set_pieces(i);
      auto types = demo_event_types();
      add(i < types.size() ? types[i] : any_type(random_), moment(i));
    }
    // The log hands out ids in the order of the inserts, and time does not run backwards there.
    std::ranges::stable_sort(out_, {}, &new_event::created_at);
    return std::move(out_);
  }

private:
  /// When the i-th ordinary event happened: evenly over the last hour.
  timestamp moment(std::size_t i) const {
    return now_ - 1h
           + std::chrono::milliseconds{3'590'000 * static_cast<std::int64_t>(i)
                                       / static_cast<std::int64_t>(count_)};
  }

  new_event& add(std::string_view type, timestamp at) {
    return out_.emplace_back(make_demo_event(firm_, type, random_, at));
  }

  /// The special events, spread over the ordinary ones so that they meet them in the same batches.
  void add_set_pieces(std::size_t i) {
    static constexpr std::array pieces{&demo_script::add_lively_thread, &demo_script::add_crash,
                                       &demo_script::add_unknown_type,  &demo_script::add_click_on_data_room,
                                       &demo_script::add_broken,        &demo_script::add_old};
    for (std::size_t n = 0; n < pieces.size(); ++n)
      if (i == count_ * (n + 1) / (pieces.size() + 1))
        (this->*pieces[n])(moment(i));
  }

  void add_lively_thread(timestamp at) {
    auto& thread = firm_.threads[firm_.projects.front().threads.front()];
    auto& people = thread.participants;
    for (std::size_t i = 0; i < 10; ++i) {
      auto mentions = i == 3 || i == 7;
      auto& mentioned = people[(i + 1) % people.size()];
      json payload{{"message_id", 500 + i},
                   {"full_content", "Message " + std::to_string(i + 1) + " of a lively morning"},
                   {"mentioned_user_ids", json::array()}};
      if (mentions)
        payload["mentioned_user_ids"].push_back(to_string(mentioned));
      auto& event = add("chat_message_sent", at + 6s * static_cast<int>(i));
      event.actor_id = people[i % people.size()];
      event.project_id = firm_.projects[thread.project].id;
      event.thread_id = thread.id;
      event.payload = payload.dump();
    }
  }

  /// One sick event between three healthy ones of its type.
  void add_crash(timestamp at) {
    auto& project = firm_.projects.front();
    for (std::size_t i = 0; i < 4; ++i) {
      auto& event = out_.emplace_back();
      event.type = crash_event_type;
      event.actor_id = project.people.front();
      event.project_id = project.id;
      event.payload = json{{"user_id", to_string(firm_.newcomer)}, {"poison", i == 1}}.dump();
      event.created_at = at;
    }
  }

  void add_unknown_type(timestamp at) {
    auto& project = firm_.projects.front();
    auto& event = out_.emplace_back();
    event.type = "lender_quote_received";
    event.actor_id = firm_.newcomer;
    event.project_id = project.id;
    event.payload = json{{"lender_name", "First Meridian Bank"}, {"rate_percent", 6.25}}.dump();
    event.created_at = at;
  }

  void add_click_on_data_room(timestamp at) {
    auto& project = firm_.projects.front();
    auto& by = project.people.front();
    for (auto& file : firm_.data_room_files) {
      auto& event = out_.emplace_back();
      event.type = "document_permission_granted";
      event.actor_id = by;
      event.project_id = project.id;
      event.resource_id = file.id;
      event.payload = json{
          {"affected_user_id", to_string(firm_.newcomer)},
          {"project_id", to_string(project.id)},
          {"project_name", project.name},
          {"resource_id", to_string(file.id)},
          {"resource_name", file.name},
          {"old_permission", nullptr},
          {"new_permission", "view"},
          {"changed_by_id", to_string(by)},
          {"org_id", to_string(firm_.borrower_org)},
          {"org_name", firm_.borrower_org_name},
          {"via_root",
           true}}.dump();
      event.created_at = at;
    }
  }

  void add_broken(timestamp at) {
    add("document_uploaded", at).payload = R"(["Rent Roll.xlsx", 48211])";
    add("meeting_invited", at).payload = R"({"meeting_title": "Nobody was invited"})";
    add("project_access_granted", at).payload = R"({"new_permission": "view"})";
  }

  void add_old(timestamp) { add("chat_message_sent", now_ - 26h); }

  const company& firm_;
  random_source random_;
  std::size_t count_;
  timestamp now_;
  std::vector<new_event> out_;
};

} // namespace

std::vector<new_event> demo_events(const company& firm, const demo_event_options& options) {
  return demo_script{firm, options}.write();
}

new_event mixed_event(const company& firm, const mixed_event_options& options, std::uint64_t index) {
  // One generator per event; the product spreads neighbouring indexes and seeds over all states.
  random_source random{random_source{options.seed}.next() ^ ((index + 1) * 0xd1342543de82ef95ULL)};
  auto type = options.only_type.empty() ? any_type(random) : options.only_type;
  return make_demo_event(firm, type, random, options.at);
}

std::vector<new_event> mixed_events(const company& firm, const mixed_event_options& options,
                                    std::uint64_t first, std::size_t count) {
  std::vector<new_event> out;
  out.reserve(count);
  for (std::size_t i = 0; i < count; ++i)
    out.push_back(mixed_event(firm, options, first + i));
  return out;
}

} // namespace herald
