#include "core/email/samples.hpp"

#include <utility>

#include "core/email/kinds.hpp"
#include "core/links.hpp"
#include "core/payload.hpp"

namespace herald {

namespace {

using namespace std::chrono_literals;

uuid sample_id(std::string_view last_digit) {
  return parse_uuid(std::string{"cccccccc-0000-4000-8000-00000000000"}.append(last_digit)).value_or(nil_uuid);
}

struct sample_project {
  uuid id{};
  std::string name;
};

const sample_project tower{sample_id("1"), "Tower & Sons"};
const sample_project harbor{sample_id("2"), "Harbor View Residences"};

email_row row(std::string_view event_type, const sample_project& in, std::string subject, json_object& body) {
  email_row out;
  out.event_type = event_type;
  out.project_id = in.id;
  out.project_name = in.name;
  out.subject = std::move(subject);
  out.body_data = body.set("project_id", in.id).set("project_name", in.name).str();
  out.created_at = sample_time() - 37min;
  return out;
}

email_row document_uploaded(const sample_project& in, const std::string& file = "rent-roll-2026.pdf") {
  json_object body;
  body.set("file_name", file)
      .set("uploader_name", "Ben Berg")
      .set("link_url", document_link(in.id, sample_id("b")));
  return row("document_uploaded", in, "New document in " + in.name + ": " + file, body);
}

email_row thread_unread_stale(const sample_project& in) {
  json_object body;
  body.set("thread_id", sample_id("a"))
      .set("thread_topic", "#term-sheet")
      .set("unread_count", 3)
      .set("link_url", chat_link(in.id, sample_id("a")));
  return row("thread_unread_stale", in, "3 unread messages in #term-sheet", body);
}

email_row resume_incomplete_nudge(const sample_project& in) {
  json_object body;
  body.set("resume_type", "project")
      .set("resume_type_label", "project resume")
      .set("completion_percent", 45)
      .set("nudge_tier", 2)
      .set("link_url", workspace_link(in.id));
  return row("resume_incomplete_nudge", in, "Complete your project resume for " + in.name, body);
}

email_row invite_accepted() {
  email_row out;
  out.event_type = "invite_accepted";
  out.subject = "Dana Diaz joined Harbor Capital";
  out.body_data = json_object{}
                      .set("org_name", "Harbor Capital")
                      .set("new_member_name", "Dana Diaz")
                      .set("new_member_email", "dana@harbor.example")
                      .set("link_url", team_link())
                      .str();
  out.created_at = sample_time() - 37min;
  return out;
}

email_row project_access_granted(const sample_project& in) {
  json_object body;
  body.set("new_permission", "view").set("link_url", workspace_link(in.id));
  return row("project_access_granted", in, "You now have access to " + in.name, body);
}

email_row project_access_changed(const sample_project& in) {
  json_object body;
  body.set("old_permission", "view").set("new_permission", "edit").set("link_url", workspace_link(in.id));
  return row("project_access_changed", in, "You can now edit " + in.name, body);
}

email_row chat_thread_participant_added(const sample_project& in) {
  json_object body;
  body.set("thread_id", sample_id("a"))
      .set("thread_name", "term-sheet")
      .set("thread_label", "#term-sheet")
      .set("actor_name", "Ben Berg")
      .set("link_url", thread_link(in.id, sample_id("a")));
  return row("chat_thread_participant_added", in, "Ben Berg added you to #term-sheet", body);
}

email_row generic(const sample_project& in, std::string_view event_type) {
  json_object body;
  body.set("body",
           "The financing of **" + in.name + "** is complete.\n\nThank you for working on it with us.")
      .set("link_url", workspace_link(in.id));
  return row(event_type, in, "Deal closed: " + in.name, body);
}

email_row row_of(std::string_view name) {
  if (name == "chat_thread_participant_added")
    return chat_thread_participant_added(tower);
  if (name == "document_uploaded")
    return document_uploaded(tower);
  if (name == "invite_accepted")
    return invite_accepted();
  if (name == "project_access_changed")
    return project_access_changed(tower);
  if (name == "project_access_granted")
    return project_access_granted(tower);
  if (name == "resume_incomplete_nudge")
    return resume_incomplete_nudge(tower);
  if (name == "thread_unread_stale")
    return thread_unread_stale(tower);
  return generic(tower, name == generic_email_kind().event_type ? "deal_closed" : name);
}

std::vector<email_row> digest_rows() {
  std::vector<email_row> out;
  for (auto file : {"rent-roll-2026.pdf", "appraisal.pdf", "title-report.pdf", "survey.pdf", "phase-one.pdf",
                    "operating-statement.xlsx", "budget.xlsx", "leases.zip", "insurance.pdf",
                    "floor-plans.pdf", "photos.zip", "term-sheet-draft.docx", "sources-and-uses.xlsx"})
    out.push_back(document_uploaded(tower, file));
  out.push_back(thread_unread_stale(tower));
  out.push_back(invite_accepted());
  out.push_back(project_access_granted(harbor));
  out.push_back(generic(harbor, "deal_closed"));
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i].created_at = sample_time() - 50min + i * 1min;
  return out;
}

} // namespace

std::vector<std::string> sample_names() {
  std::vector<std::string> out;
  for (const auto& x : email_kinds())
    out.emplace_back(x.event_type);
  out.emplace_back(generic_email_kind().event_type);
  out.emplace_back("digest");
  return out;
}

email_mail sample_mail(std::string_view name) {
  email_mail out;
  out.id = 4711;
  out.user_id = sample_id("f");
  if (name == "digest") {
    out.lane = email_lane::digest;
    out.window_at = sample_time();
    out.rows = digest_rows();
  } else {
    out.rows.push_back(row_of(name));
  }
  for (std::size_t i = 0; i < out.rows.size(); ++i) {
    out.rows[i].id = static_cast<std::int64_t>(100 + i);
    out.rows[i].event_id = static_cast<std::int64_t>(500 + i);
  }
  return out;
}

profile sample_profile() {
  return {"Cleo Cho", "cleo@example.com"};
}

timestamp sample_time() {
  return std::chrono::sys_days{std::chrono::year{2026} / 1 / 20} + 20h;
}

} // namespace herald
