#include "app/demo/company.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "app/demo/names.hpp"
#include "core/random.hpp"

namespace herald {

namespace {

using namespace std::chrono_literals;

/// One of the four orgs while the company is built.
struct org_plan {
  std::string_view name;
  std::string_view entity_type;
  std::string_view domain; ///< reserved for examples, so that no mail can ever reach anybody
  std::size_t owners;
  /// Share of the people, in eighths.
  std::size_t eighths;
};

constexpr std::array org_plans{
    org_plan{"Harborview Development", "borrower", "example.com", 2, 3},
    org_plan{"Northgate Advisory", "advisor", "example.org", 1, 1},
    org_plan{"First Meridian Bank", "lender", "example.net", 1, 2},
    org_plan{"Cedar & Main Capital", "lender", "lending.example.net", 1, 2},
};

company_options at_least_sensible(company_options x) {
  x.people_per_project = std::max<std::size_t>(x.people_per_project, 3);
  x.people = std::max({x.people, x.people_per_project, std::size_t{8}});
  x.projects = std::max<std::size_t>(x.projects, 1);
  x.files_per_project = std::max<std::size_t>(x.files_per_project, demo_names::folders.size());
  x.data_room_files = std::max<std::size_t>(x.data_room_files, 1);
  x.threads_per_project = std::max<std::size_t>(x.threads_per_project, 2);
  return x;
}

/// The n-th of endlessly many names: the list first, then the list again with a number behind.
template <std::size_t N> std::string numbered(const std::array<std::string_view, N>& names, std::size_t n) {
  std::string out{names[n % N]};
  return n < N ? out : out + " " + std::to_string(n / N + 1);
}

/// The same for file names, with the number before the extension.
std::string file_name(std::size_t n) {
  auto& names = demo_names::files;
  std::string out{names[n % names.size()]};
  if (n >= names.size())
    out.insert(out.rfind('.'), " " + std::to_string(n / names.size() + 1));
  return out;
}

/// A name as the local part of an address: ASCII letters in lower case, everything else left out.
std::string mailbox(std::string_view name) {
  std::string out;
  for (auto c : name)
    if (c >= 'A' && c <= 'Z')
      out += static_cast<char>(c - 'A' + 'a');
    else if (c >= 'a' && c <= 'z')
      out += c;
  return out;
}

class company_builder {
public:
  explicit company_builder(const company_options& options)
      : options_{at_least_sensible(options)}, random_{options_.seed} {
    out_.now = options_.now;
  }

  company build() && {
    add_orgs();
    add_people();
    for (std::size_t i = 0; i < options_.projects; ++i)
      add_project(i);
    add_data_room();
    for (std::size_t i = 0; i < options_.projects; ++i) {
      add_threads(i);
      add_meetings(i);
      add_activity(i);
    }
    add_other_meetings();
    if (options_.preferences)
      add_preferences();
    for (std::size_t i = 0; i < options_.projects; ++i)
      add_resumes(i);
    add_calendars();
    return std::move(out_);
  }

private:
  /// A random (version 4) UUID.
  uuid new_id() {
    uuid id{};
    for (std::size_t i = 0; i < 16; i += 8) {
      auto word = random_.next();
      for (std::size_t j = 0; j < 8; ++j)
        id.data[i + j] = static_cast<std::uint8_t>(word >> (8 * j));
    }
    id.data[6] = static_cast<std::uint8_t>((id.data[6] & 0x0FU) | 0x40U);
    id.data[8] = static_cast<std::uint8_t>((id.data[8] & 0x3FU) | 0x80U);
    return id;
  }

  void shuffle(std::vector<uuid>& xs) {
    for (std::size_t i = xs.size(); i > 1; --i)
      std::swap(xs[i - 1], xs[random_.below(i)]);
  }

  // -- orgs and people --------------------------------------------------------------------------------------

  void add_orgs() {
    for (auto& plan : org_plans)
      out_.rows.orgs.push_back({new_id(), std::string{plan.name}, std::string{plan.entity_type}});
    out_.borrower_org = out_.rows.orgs.front().id;
    out_.borrower_org_name = out_.rows.orgs.front().name;
  }

  void add_people() {
    // The platform's own account, which sits in threads and must never be notified.
    out_.rows.profiles.push_back({nil_uuid, "AI Underwriter", "ai-underwriter@example.com", "advisor"});
    auto left = options_.people;
    for (std::size_t i = 0; i < org_plans.size(); ++i) {
      auto last = i + 1 == org_plans.size();
      auto n = last ? left : std::max(org_plans[i].owners, options_.people * org_plans[i].eighths / 8);
      n = std::min(n, left);
      for (std::size_t j = 0; j < n; ++j)
        add_person(i, j < org_plans[i].owners);
      left -= n;
    }
    shuffle(guests_);
  }

  void add_person(std::size_t org, bool owner) {
    auto n = people_++;
    auto& first = demo_names::first_names[n % demo_names::first_names.size()];
    // A step that shares no factor with the number of last names: 1600 pairs before one comes again.
    auto step = n / demo_names::first_names.size();
    auto& last = demo_names::last_names[(n * 7 + step) % demo_names::last_names.size()];
    auto id = new_id();
    auto& plan = org_plans[org];
    auto email = mailbox(first) + "." + mailbox(last);
    if (n >= demo_names::first_names.size() * demo_names::last_names.size())
      email += std::to_string(n);
    email.append("@").append(plan.domain);
    // One profile without a name, as the platform has them after a sign-up that was not finished.
    std::optional<std::string> name;
    if (n != unnamed_person)
      name = std::string{first}.append(" ").append(last);
    out_.people.emplace(id, profile{name.value_or(""), email});
    out_.rows.profiles.push_back({id, std::move(name), std::move(email), std::string{plan.entity_type}});
    out_.rows.org_members.push_back({out_.rows.orgs[org].id, id, owner ? "owner" : "member"});
    org_of_.emplace(id, out_.rows.orgs[org].id);
    if (org == 0 && owner)
      owners_.push_back(id);
    else
      guests_.push_back(id);
    if (org == 0 && !owner)
      out_.borrower_members.push_back(id);
  }

  // -- projects and documents -------------------------------------------------------------------------------

  void add_project(std::size_t index) {
    company_project project;
    project.id = new_id();
    project.name = numbered(demo_names::projects, index);
    project.people = owners_;
    project.owners = owners_.size();
    out_.rows.projects.push_back({project.id, project.name, out_.borrower_org,
                                  out_.now - 24h * (10 + 3 * static_cast<int>(index % 10))});
    auto grants = std::min(options_.people_per_project - owners_.size(), guests_.size());
    // Each project takes the next few of the same circle of guests, so that people share projects.
    for (std::size_t i = 0; i < grants; ++i) {
      auto& guest = guests_[(index * 5 + i) % guests_.size()];
      project.people.push_back(guest);
      out_.rows.grants.push_back({new_id(), project.id, org_of_.at(guest), guest, owners_.front()});
    }
    add_documents(project);
    out_.projects.push_back(std::move(project));
  }

  uuid add_resource(const company_project& project, std::optional<uuid> parent, std::string type,
                    std::string name) {
    auto id = new_id();
    out_.rows.resources.push_back(
        {id, out_.borrower_org, project.id, parent, std::move(type), std::move(name)});
    return id;
  }

  void permit(const uuid& resource, const uuid& user, std::string permission) {
    out_.rows.permissions.push_back({resource, user, std::move(permission), owners_.front()});
  }

  void add_documents(company_project& project) {
    project.docs_root = add_resource(project, {}, "PROJECT_DOCS_ROOT", "Project Documents");
    auto borrower_docs = add_resource(project, {}, "BORROWER_DOCS_ROOT", "Borrower Documents");
    project.project_resume = add_resource(project, {}, "PROJECT_RESUME", "Project Resume");
    project.borrower_resume = add_resource(project, {}, "BORROWER_RESUME", "Borrower Resume");
    add_resource(project, {}, "OM", "Offering Memorandum");
    add_resource(project, borrower_docs, "FILE", "Tax Return.pdf");
    std::vector<uuid> folders;
    folders.reserve(std::size(demo_names::folders));
    for (auto name : demo_names::folders)
      folders.push_back(add_resource(project, project.docs_root, "FOLDER", std::string{name}));
    for (std::size_t i = 0; i < options_.files_per_project; ++i) {
      auto name = file_name(i);
      project.files.push_back({add_resource(project, folders[i % folders.size()], "FILE", name), name});
    }
    for (std::size_t i = project.owners; i < project.people.size(); ++i) {
      permit(project.docs_root, project.people[i], i % 4 == 0 ? "edit" : "view");
      permit(project.project_resume, project.people[i], "view");
      permit(project.borrower_resume, project.people[i], "view");
    }
    add_denials(project, folders[1]);
  }

  /// The last few people with a grant are kept out of the folder, the first of them with one file as an
  /// exception.
  void add_denials(const company_project& project, const uuid& folder) {
    auto grants = project.people.size() - project.owners;
    auto denied = std::min(options_.denials_per_project, grants);
    for (std::size_t i = 0; i < denied; ++i) {
      auto& user = project.people[project.people.size() - denied + i];
      permit(folder, user, "none");
      if (i == 0)
        permit(project.files[1].id, user, "view");
    }
  }

  void add_data_room() {
    auto& project = out_.projects.front();
    out_.newcomer = project.people[project.owners];
    out_.data_room = add_resource(project, project.docs_root, "FOLDER", "Data Room");
    for (std::size_t i = 0; i < options_.data_room_files; ++i) {
      auto name = file_name(i);
      out_.data_room_files.push_back({add_resource(project, out_.data_room, "FILE", name), name});
    }
  }

  // -- threads ----------------------------------------------------------------------------------------------

  void add_threads(std::size_t project_index) {
    auto& project = out_.projects[project_index];
    for (std::size_t i = 0; i < options_.threads_per_project; ++i) {
      company_thread thread;
      thread.id = new_id();
      thread.project = project_index;
      // The first thread of the first project never got a topic.
      if (project_index > 0 || i > 0)
        thread.topic = numbered(demo_names::topics, i);
      auto size = std::min<std::size_t>(project.people.size(), 4 + random_.below(5));
      for (std::size_t j = 0; j < size; ++j)
        thread.participants.push_back(project.people[(i * 3 + j) % project.people.size()]);
      out_.rows.threads.push_back({thread.id, project.id, thread.topic});
      for (auto& user : thread.participants)
        out_.rows.participants.push_back({thread.id, user, out_.now - 5h});
      if (project_index == 0 && i == 1)
        out_.rows.participants.push_back({thread.id, nil_uuid, out_.now - 5h});
      add_messages(thread);
      project.threads.push_back(out_.threads.size());
      out_.threads.push_back(std::move(thread));
    }
  }

  /// A few messages of the last hours, some of them unread for longer than the platform likes.
  void add_messages(const company_thread& thread) {
    auto n = 3 + random_.below(5);
    for (std::size_t i = 0; i < n; ++i) {
      auto& author = thread.participants[random_.below(thread.participants.size())];
      auto text = std::string{demo_names::messages[random_.below(demo_names::messages.size())]};
      out_.rows.messages.push_back(
          {thread.id, author, std::move(text), out_.now - 6h + 40min * static_cast<int>(i)});
    }
  }

  // -- meetings ---------------------------------------------------------------------------------------------

  void add_meetings(std::size_t project_index) {
    auto& project = out_.projects[project_index];
    // The first one is close enough for a reminder.
    auto start =
        project_index == 0 ? out_.now + 20min : out_.now + 24h + 1h * static_cast<int>(project_index);
    auto meeting =
        add_meeting("Weekly call: " + project.name, start, project_index, project.people, "scheduled");
    project.meetings.push_back(out_.meetings.size());
    out_.meetings.push_back(std::move(meeting));
  }

  void add_other_meetings() {
    auto& project = out_.projects.front();
    add_meeting("Site visit: " + project.name, out_.now + 50h, 0, project.people, "cancelled");
    add_meeting("Kick-off: " + project.name, out_.now - 72h, 0, project.people, "completed");
    // Over the coming day, for whoever stays to watch.
    for (int i = 1; i <= 4; ++i)
      out_.meetings.push_back(
          add_meeting("Check-in: " + project.name, out_.now + 5h * i, 0, project.people, "scheduled"));
    out_.meetings.push_back(
        add_meeting("Quarterly portfolio review", out_.now + 98h, std::nullopt, project.people, "scheduled"));
  }

  company_meeting add_meeting(std::string title, timestamp start, std::optional<std::size_t> project,
                              const std::vector<uuid>& people, std::string status) {
    company_meeting out{new_id(), std::move(title), start, std::nullopt, project, people.front(), {}};
    if (project)
      out.link = "https://meet.example.com/" + to_string(new_id()).substr(0, 8);
    auto id = project ? std::optional{out_.projects[*project].id} : std::nullopt;
    out_.rows.meetings.push_back(
        {out.id, out.title, start, 60, out.link, out.organizer, id, std::move(status)});
    out_.rows.meeting_participants.push_back({new_id(), out.id, out.organizer, "accepted", true});
    auto size = std::min<std::size_t>(people.size(), 7);
    for (std::size_t i = 1; i < size; ++i) {
      auto declined = i == 6;
      static constexpr std::array<std::string_view, 3> responses{"pending", "accepted", "tentative"};
      auto response = std::string{declined ? "declined" : responses[i % responses.size()]};
      out_.rows.meeting_participants.push_back({new_id(), out.id, people[i], std::move(response), false});
      if (!declined)
        out.invited.push_back(people[i]);
    }
    return out;
  }

  // -- resumes and preferences ------------------------------------------------------------------------------

  void add_activity(std::size_t project_index) {
    auto& project = out_.projects[project_index];
    auto idle = 24h * static_cast<int>(1 + project_index % 7);
    out_.rows.activity.push_back({project.people.front(), project.id, out_.now - idle, std::nullopt});
    out_.rows.activity.push_back({project.people.back(), project.id, std::nullopt, out_.now - idle - 6h});
  }

  /// Every third project's resume is complete; of the others the resource points to a version, or nobody has begun.
  void add_resumes(std::size_t project_index) {
    auto& project = out_.projects[project_index];
    auto percent = project_index % 3 == 0 ? 100 : static_cast<std::int32_t>(25 * (project_index % 4));
    out_.rows.project_resumes.push_back({new_id(), project.id, 1, percent / 2});
    out_.rows.project_resumes.push_back({new_id(), project.id, 2, percent});
    if (project_index % 2 == 0)
      out_.rows.borrower_resumes.push_back({new_id(), project.id, 1, 60});
    auto resource =
        std::ranges::find(out_.rows.resources, project.project_resume, &platform_rows::resource_row::id);
    resource->current_version_id = out_.rows.project_resumes.back().id;
  }

  /// The owners and some others have connected their calendars; the watches expire within the day.
  void add_calendars() {
    auto& people = out_.projects.front().people;
    for (std::size_t i = 0; i < std::min<std::size_t>(people.size(), 6); ++i) {
      auto& email = out_.people.at(people[i]).email;
      platform_rows::calendar_connection_row row;
      row.id = new_id();
      row.user_id = people[i];
      row.provider_account_id = email;
      row.refresh_token = "refresh-token-of-" + email;
      row.calendar_list = R"([{"id":")" + email + R"(","name":"Calendar","primary":true,"selected":true}])";
      row.watch_channel_id =
          "capmatch-" + to_string(row.id) + "-" + std::to_string(to_epoch_ms(out_.now - 6 * 24h));
      row.watch_resource_id = "resource-" + std::to_string(i);
      row.watch_expiration = out_.now + 16h + 1h * static_cast<int>(i);
      // One person looks at the calendar in the application alone.
      row.sync_enabled = i != 4;
      out_.rows.calendar_connections.push_back(std::move(row));
    }
  }

  void prefer(const uuid& user, std::string scope, std::optional<uuid> scope_id, std::string event_type,
              std::string channel, std::string status) {
    out_.rows.preferences.push_back({new_id(), user, std::move(scope), scope_id, std::move(event_type),
                                     std::move(channel), std::move(status)});
  }

  /// Mutes at every scope, one exception to a mute, and digests. The newcomer mutes nothing.
  void add_preferences() {
    auto& project = out_.projects.front();
    auto& busy = out_.threads[project.threads.front()];
    // Between the newcomer, who stands first among those with a grant, and the end.
    auto others = project.people.size() - project.owners - 1;
    auto person = [&](std::size_t i) { return project.people[project.owners + 1 + i % others]; };
    prefer(owners_.back(), "global", std::nullopt, "invite_accepted", "email", "digest");
    prefer(owners_.back(), "global", std::nullopt, "document_uploaded", "email", "muted");
    prefer(owners_.front(), "thread", busy.id, "chat_message", "in_app", "muted");
    if (others == 0)
      return;
    // Wants to hear of nothing, except of what is written in the busy thread.
    prefer(person(0), "global", std::nullopt, "*", "in_app", "muted");
    prefer(person(0), "thread", busy.id, "chat_message", "in_app", "immediate");
    prefer(person(1), "project", project.id, "document_uploaded", "*", "muted");
    // Mail once an hour is enough, even for what is sent at once by default.
    prefer(person(2), "global", std::nullopt, "*", "email", "digest");
    // Wants documents by mail at once.
    prefer(person(3), "project", project.id, "document_uploaded", "email", "immediate");
  }

  static constexpr std::size_t unnamed_person = 7;

  company_options options_;
  random_source random_;
  company out_;
  std::size_t people_ = 0;
  std::vector<uuid> owners_; ///< of the borrower's org
  std::vector<uuid> guests_; ///< everybody else, in the order in which they get grants
  by_uuid<uuid> org_of_;
};

} // namespace

company make_company(const company_options& options) {
  return company_builder{options}.build();
}

} // namespace herald
