// A small made-up company for the demo, for tests and for benchmarks: borrowers, advisors and lenders who
// work on real-estate projects. Everything follows from the options: the same options give the same rows,
// byte for byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "adapters/store/platform_rows.hpp"
#include "messages/context.hpp"
#include "messages/time.hpp"
#include "messages/uuid.hpp"

namespace herald {

/// How large the company is. What is too small is raised to the smallest company that makes sense.
struct company_options {
  std::uint64_t seed = 1;
  /// The moment the company is looked at: meetings lie around it, messages and edits before it.
  timestamp now{};
  /// Everybody, of all four orgs (≥ 8).
  std::size_t people = 30;
  std::size_t projects = 8; ///< (≥ 1)
  /// Who may be told about a document of a project: the two owners of the borrower's org and those with a
  /// grant (3 to `people`). With 26 and no denials, an upload by one of them reaches the 25 others.
  std::size_t people_per_project = 12;
  /// Files in the folders of each project (≥ 3).
  std::size_t files_per_project = 9;
  /// Files in the data room of the first project: the folder whose release makes a burst of events (≥ 1).
  std::size_t data_room_files = 44;
  std::size_t threads_per_project = 3; ///< (≥ 2)
  /// People with a grant per project to whom one folder is denied (explicit `none`); 0 to let everybody see
  /// all.
  std::size_t denials_per_project = 2;
  /// Whether some people have muted things, at all three scopes, or chosen digests.
  bool preferences = true;
};

struct company_file {
  uuid id{};
  std::string name;
};

struct company_project {
  uuid id{};
  std::string name;
  /// Owners of the owner org first, then those with a grant.
  std::vector<uuid> people;
  std::size_t owners = 0; ///< how many of `people` are owners
  uuid docs_root{};
  uuid project_resume{};
  uuid borrower_resume{};
  std::vector<company_file> files;
  std::vector<std::size_t> threads;  ///< indexes into company::threads
  std::vector<std::size_t> meetings; ///< indexes into company::meetings, scheduled ones only
};

struct company_thread {
  uuid id{};
  std::size_t project = 0;          ///< index into company::projects
  std::optional<std::string> topic; ///< nothing for NULL
  /// People only; one thread of the first project also has the platform's system account in it.
  std::vector<uuid> participants;
};

struct company_meeting {
  uuid id{};
  std::string title;
  timestamp start_time{};
  std::optional<std::string> link;
  std::optional<std::size_t> project; ///< index into company::projects
  uuid organizer{};
  std::vector<uuid> invited; ///< without the organizer; nobody who declined
};

struct company {
  /// All of it as the platform would hold it.
  platform_rows rows;
  timestamp now{};

  // The same once more, in the form in which events are made up from it.
  uuid borrower_org{};
  std::string borrower_org_name;
  std::vector<uuid> borrower_members; ///< without the owners
  by_uuid<profile> people;
  std::vector<company_project> projects;
  std::vector<company_thread> threads;
  /// Scheduled and in the future.
  std::vector<company_meeting> meetings;
  /// The data room of the first project and what lies in it.
  uuid data_room{};
  std::vector<company_file> data_room_files;
  /// Somebody with a grant on the first project who has muted nothing.
  uuid newcomer{};
};

company make_company(const company_options&);

} // namespace herald
