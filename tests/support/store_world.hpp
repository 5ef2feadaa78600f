// The deterministic little world the store's tests live in: ids, people, and the rows that go with them.
#pragma once

#include <cstdint>
#include <string>

#include "adapters/store/platform_rows.hpp"
#include "messages/time.hpp"
#include "messages/uuid.hpp"

namespace herald::test {

/// 2026-01-20T14:30:45Z, a Tuesday.
inline constexpr timestamp t0{duration{1'768'919'445'000}};

constexpr uuid make_id(std::uint8_t kind, std::uint8_t n) {
  uuid out{};
  out.data[0] = kind;
  out.data[6] = 0x40;
  out.data[8] = 0x80;
  out.data[15] = n;
  return out;
}

namespace ids {

// Olga and Oskar own the borrower's organisation; Mia, Max and Ada have grants on its project; Lena has
// nothing.
inline constexpr auto olga = make_id(1, 1);
inline constexpr auto oskar = make_id(1, 2);
inline constexpr auto mia = make_id(1, 3);
inline constexpr auto max = make_id(1, 4);
inline constexpr auto ada = make_id(1, 5);
inline constexpr auto lena = make_id(1, 6);
/// Names nobody.
inline constexpr auto nobody = make_id(1, 99);

inline constexpr auto borrower_org = make_id(2, 1);
inline constexpr auto lender_org = make_id(2, 2);
inline constexpr auto tower = make_id(3, 1);
/// A project without grants.
inline constexpr auto depot = make_id(3, 2);

// root ← folder ← file. Mia sees the root; Max too, but is shut out of the folder; Ada sees the file alone.
inline constexpr auto root = make_id(4, 1);
inline constexpr auto folder = make_id(4, 2);
inline constexpr auto file = make_id(4, 3);

/// Without a topic.
inline constexpr auto general_thread = make_id(5, 1);
inline constexpr auto closing_thread = make_id(5, 2);
inline constexpr auto kick_off = make_id(6, 1);

} // namespace ids

namespace world_parts {

inline void add_people(platform_rows& out) {
  out.profiles = {{ids::olga, "Olga Owner", "olga@example.com"},
                  {ids::oskar, "Oskar Owner", "oskar@example.com"},
                  {ids::mia, "Mia Member", "mia@example.com"},
                  {ids::max, std::nullopt, "max@example.com"},
                  {ids::ada, "Ada Advisor", "ada@example.com", "advisor"},
                  {ids::lena, "Lena Lender", "lena@example.com", "lender"}};
  out.orgs = {{ids::borrower_org, "Borrower LLC"}, {ids::lender_org, "Lender Bank", "lender"}};
  out.org_members = {{ids::borrower_org, ids::olga, "owner"},
                     {ids::borrower_org, ids::oskar, "owner"},
                     {ids::borrower_org, ids::mia, "member"},
                     {ids::lender_org, ids::lena, "owner"}};
}

inline void add_projects(platform_rows& out) {
  out.projects = {{ids::tower, "Tower", ids::borrower_org, {}}, {ids::depot, "Depot", ids::borrower_org, {}}};
  std::uint8_t n = 0;
  for (auto& user : {ids::mia, ids::max, ids::ada})
    out.grants.push_back({make_id(7, ++n), ids::tower, ids::borrower_org, user, ids::olga});
  out.activity = {{ids::olga, ids::tower, t0 - std::chrono::hours{5}, std::nullopt},
                  {ids::mia, ids::tower, t0 - std::chrono::hours{2}, t0 - std::chrono::hours{9}}};
}

inline void add_documents(platform_rows& out) {
  out.resources = {{ids::root, ids::borrower_org, ids::tower, {}, "PROJECT_DOCS_ROOT", "Documents"},
                   {ids::folder, ids::borrower_org, ids::tower, ids::root, "FOLDER", "Leases"},
                   {ids::file, ids::borrower_org, ids::tower, ids::folder, "FILE", "Rent Roll.xlsx"}};
  out.permissions = {{ids::root, ids::mia, "view", ids::olga},
                     {ids::root, ids::max, "view", ids::olga},
                     {ids::folder, ids::max, "none", ids::olga},
                     {ids::file, ids::ada, "edit", ids::olga}};
}

inline void add_talk(platform_rows& out) {
  out.threads = {{ids::general_thread, ids::tower, {}}, {ids::closing_thread, ids::tower, "Closing"}};
  for (auto& user : {ids::olga, ids::mia, ids::max})
    out.participants.push_back({ids::closing_thread, user, {}});
  out.participants.push_back({ids::general_thread, ids::olga, {}});
  out.meetings = {{ids::kick_off, "Kick-off", t0 + std::chrono::hours{3}, 45, "https://meet.example.com/1",
                   ids::olga, ids::tower, "scheduled"}};
  out.meeting_participants = {{make_id(8, 1), ids::kick_off, ids::olga, "accepted", true},
                              {make_id(8, 2), ids::kick_off, ids::mia, "pending", false}};
}

inline void add_preferences(platform_rows& out) {
  out.preferences = {
      {make_id(9, 1), ids::mia, "global", std::nullopt, "*", "in_app", "muted"},
      {make_id(9, 2), ids::mia, "project", ids::tower, "document_uploaded", "*", "digest"},
      {make_id(9, 3), ids::mia, "thread", ids::closing_thread, "chat_message", "in_app", "immediate"},
      {make_id(9, 4), ids::mia, "global", std::nullopt, "meeting_invited", "in_app", "muted"},
  };
}

} // namespace world_parts

inline platform_rows make_world() {
  platform_rows out;
  world_parts::add_people(out);
  world_parts::add_projects(out);
  world_parts::add_documents(out);
  world_parts::add_talk(out);
  world_parts::add_preferences(out);
  return out;
}

} // namespace herald::test
