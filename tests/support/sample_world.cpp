#include "tests/support/sample_world.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include <nlohmann/json.hpp>

#include "core/iso8601.hpp"

namespace herald::testing {

namespace {

using nlohmann::json;

uuid id_of(const json& x) {
  auto id = parse_uuid(x.get<std::string>());
  return id ? *id : throw std::runtime_error("not a UUID: " + x.dump());
}

uuid id_of(const char* text) {
  return id_of(json(text));
}

std::optional<uuid> optional_id(const json& object, const char* key) {
  auto i = object.find(key);
  return i == object.end() || i->is_null() ? std::nullopt : std::optional{id_of(*i)};
}

std::vector<uuid> ids_of(const json& x) {
  std::vector<uuid> out;
  for (auto& element : x)
    out.push_back(id_of(element));
  return out;
}

timestamp time_of(const json& x) {
  auto time = from_iso8601(x.get<std::string>());
  return time ? *time : throw std::runtime_error("not a point in time: " + x.dump());
}

std::optional<timestamp> optional_time(const json& object, const char* key) {
  auto i = object.find(key);
  return i == object.end() || i->is_null() ? std::nullopt : std::optional{time_of(*i)};
}

/// The rows of one table of the sample's world, by id.
template <class T, class Read> by_uuid<T> rows(const json& world, const char* table, Read read) {
  by_uuid<T> out;
  const auto all = world.value(table, json::object());
  for (auto& [id, row] : all.items())
    out.emplace(id_of(json(id)), read(row));
  return out;
}

preference preference_of(const json& x) {
  auto scope = x.at("scope").get<std::string>();
  auto status = x.at("status").get<std::string>();
  preference out;
  out.scope = scope == "thread"    ? preference_scope::thread
              : scope == "project" ? preference_scope::project
                                   : preference_scope::global;
  out.scope_id = optional_id(x, "scope_id");
  out.event_type = x.at("event_type");
  out.channel = x.at("channel");
  out.status = status == "muted"    ? preference_status::muted
               : status == "digest" ? preference_status::digest
                                    : preference_status::immediate;
  return out;
}

domain_event event_of(std::string_view type, const json& x) {
  domain_event out;
  out.id = x.at("id");
  out.type = type;
  out.actor_id = optional_id(x, "actor_id");
  out.project_id = optional_id(x, "project_id");
  out.resource_id = optional_id(x, "resource_id");
  out.thread_id = optional_id(x, "thread_id");
  out.meeting_id = optional_id(x, "meeting_id");
  out.payload = x.at("payload").dump();
  out.created_at = time_of(x.at("created_at"));
  return out;
}

meeting meeting_of(const json& x) {
  meeting out;
  out.title = x.at("title");
  out.start_time = time_of(x.at("start_time"));
  out.meeting_link = x.value("meeting_link", "");
  out.organizer_id = id_of(x.at("organizer_id"));
  out.project_id = optional_id(x, "project_id");
  out.status = x.at("status");
  out.participants = ids_of(x.at("participants"));
  return out;
}

resource resource_of(const json& x) {
  auto viewers = ids_of(x.at("viewers"));
  return {
      x.at("name"), id_of(x.at("org_id")), optional_id(x, "project_id"), {viewers.begin(), viewers.end()}};
}

sent_nudge nudge_of(const json& x) {
  return {id_of(x.at("user_id")), id_of(x.at("project_id")), x.at("resume_type"), x.at("tier"),
          time_of(x.at("created_at"))};
}

batch_context world_of(const json& x) {
  batch_context out;
  out.now = time_of(x.at("now"));
  out.profiles = rows<profile>(x, "profiles", [](auto& row) {
    return profile{row.value("full_name", ""), row.value("email", "")};
  });
  out.orgs = rows<org>(x, "orgs", [](auto& row) { return org{row.at("name"), ids_of(row.at("owners"))}; });
  out.projects = rows<project>(x, "projects", [](auto& row) {
    return project{row.at("name"), id_of(row.at("owner_org_id")), ids_of(row.at("grantees"))};
  });
  out.resources = rows<resource>(x, "resources", resource_of);
  out.threads = rows<chat_thread>(x, "threads", [](auto& row) {
    return chat_thread{row.value("topic", ""), id_of(row.at("project_id")), ids_of(row.at("participants"))};
  });
  out.meetings = rows<meeting>(x, "meetings", meeting_of);
  out.preferences = rows<std::vector<preference>>(x, "preferences", [](auto& list) {
    std::vector<preference> all;
    for (auto& row : list)
      all.push_back(preference_of(row));
    return all;
  });
  out.edits = rows<resume_edits>(x, "edits", [](auto& row) {
    return resume_edits{optional_time(row, "project"), optional_time(row, "borrower")};
  });
  const auto nudges = x.value("nudges", json::array());
  for (auto& row : nudges)
    out.nudges.push_back(nudge_of(row));
  return out;
}

const std::filesystem::path& samples_dir() {
  static const auto dir = std::filesystem::path{HERALD_SOURCE_DIR} / "tests/core/events";
  return dir;
}

} // namespace

namespace cast {

const uuid ana = id_of("aaaaaaaa-0000-4000-8000-000000000001");
const uuid ben = id_of("aaaaaaaa-0000-4000-8000-000000000002");
const uuid cleo = id_of("aaaaaaaa-0000-4000-8000-000000000003");
const uuid dan = id_of("aaaaaaaa-0000-4000-8000-000000000004");
const uuid eve = id_of("aaaaaaaa-0000-4000-8000-000000000005");
const uuid zoe = id_of("aaaaaaaa-0000-4000-8000-000000000026");
const uuid harbor_capital = id_of("bbbbbbbb-0000-4000-8000-000000000001");
const uuid tower = id_of("cccccccc-0000-4000-8000-000000000001");
const uuid plan_pdf = id_of("dddddddd-0000-4000-8000-000000000001");
const uuid general = id_of("eeeeeeee-0000-4000-8000-000000000001");
const uuid kick_off = id_of("ffffffff-0000-4000-8000-000000000001");

} // namespace cast

sample load_sample(std::string_view event_type) {
  auto path = samples_dir() / std::string{event_type}.append(".json");
  try {
    std::ifstream in{path};
    auto file = json::parse(in);
    sample out;
    out.event = event_of(event_type, file.at("event"));
    out.world = world_of(file.at("world"));
    for (auto& name : file.at("channels"))
      out.channels.push_back(name == "email" ? channel::email : channel::in_app);
    out.candidates = ids_of(file.at("candidates"));
    return out;
  } catch (const std::exception& e) {
    throw std::runtime_error("no usable sample event " + path.string() + ": " + e.what());
  }
}

std::vector<std::string> sample_types() {
  std::vector<std::string> out;
  for (auto& entry : std::filesystem::directory_iterator{samples_dir()})
    out.push_back(entry.path().stem().string());
  std::ranges::sort(out);
  return out;
}

void set_payload(sample& x, std::string_view key, const json& value) {
  auto data = json::parse(x.event.payload);
  data[std::string{key}] = value;
  x.event.payload = data.dump();
}

void remove_payload(sample& x, std::string_view key) {
  auto data = json::parse(x.event.payload);
  data.erase(std::string{key});
  x.event.payload = data.dump();
}

void prefer(sample& x, const uuid& user, preference row) {
  x.world.preferences[user].push_back(std::move(row));
}

preference muted_everywhere(std::string_view event_type, std::string_view channel) {
  return {preference_scope::global, std::nullopt, std::string{event_type}, std::string{channel},
          preference_status::muted};
}

result<fan_out_plan> handle(const sample& x) {
  auto row = std::ranges::find(handlers(), x.event.type, &handler_row::event_type);
  if (row == handlers().end())
    throw std::runtime_error("no handler for " + x.event.type);
  auto data = payload::parse(x.event.payload);
  if (!data)
    return data.error();
  return row->handle(event{x.event, *data}, x.as_context());
}

} // namespace herald::testing
