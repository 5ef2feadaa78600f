// Fixture and vocabulary of the suite of jobs that create events; stores join it as they join store_contract.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/payload.hpp"
#include "tests/contract/store_contract.hpp"

namespace herald::test {

class nudge_contract : public store_contract {
protected:
  // -- calls ------------------------------------------------------------------------------------------------

  /// The start of a chunk on behalf of a run that "worker-1" holds.
  job_chunk_request chunk_of(std::string_view job) {
    auto found = runs_.find(std::string{job});
    if (found == runs_.end())
      found = runs_.emplace(std::string{job}, backend->start_run(job, "worker-1")).first;
    job_chunk_request out;
    out.run = found->second;
    out.worker = "worker-1";
    out.now = now;
    return out;
  }

  meeting_reminders_request meetings() {
    meeting_reminders_request out;
    out.chunk = chunk_of(meeting_reminders_job);
    return out;
  }

  unread_nudges_request threads() {
    unread_nudges_request out;
    out.chunk = chunk_of(unread_nudges_job);
    return out;
  }

  resume_nudges_request resumes() {
    resume_nudges_request out;
    out.chunk = chunk_of(resume_nudges_job);
    return out;
  }

  job_counts remind() { return value_of(store.nudges.remind_of_meetings(meetings())).counts; }
  job_counts nudge_readers() { return value_of(store.nudges.nudge_unread_threads(threads())).counts; }
  job_counts nudge_owners() { return value_of(store.nudges.nudge_incomplete_resumes(resumes())).counts; }

  // -- every job alike --------------------------------------------------------------------------------------

  struct any_job {
    std::string name;
    std::function<job_chunk(nudge_store&, const job_chunk_request&)> call;
  };

  /// The three jobs, each with its chunk as the only variable.
  static std::vector<any_job> all_jobs() {
    return {{std::string{meeting_reminders_job},
             [](nudge_store& x, const job_chunk_request& chunk) {
               meeting_reminders_request request;
               request.chunk = chunk;
               return value_of(x.remind_of_meetings(request));
             }},
            {std::string{unread_nudges_job},
             [](nudge_store& x, const job_chunk_request& chunk) {
               unread_nudges_request request;
               request.chunk = chunk;
               return value_of(x.nudge_unread_threads(request));
             }},
            {std::string{resume_nudges_job}, [](nudge_store& x, const job_chunk_request& chunk) {
               resume_nudges_request request;
               request.chunk = chunk;
               return value_of(x.nudge_incomplete_resumes(request));
             }}};
  }

  /// Chunk after chunk to the end, and what they counted in all. Looks at `limit` rows each.
  static job_counts run_through(const any_job& which, nudge_store& nudges, job_chunk_request chunk,
                                std::uint32_t limit) {
    job_counts out;
    chunk.limit = limit;
    chunk.after.clear();
    do {
      auto done = which.call(nudges, chunk);
      EXPECT_FALSE(done.lost);
      for (auto& [reason, n] : done.counts)
        out[reason] += n;
      if (!done.next.empty() && done.next <= chunk.after)
        throw std::runtime_error("the chunk behind '" + chunk.after + "' leads back to '" + done.next + "'");
      chunk.after = done.next;
    } while (!chunk.after.empty());
    return out;
  }

  // -- feeding ----------------------------------------------------------------------------------------------

  void insert(const platform_rows& rows, timestamp at) {
    auto done = store.platform.insert_platform_rows(rows, at);
    if (done.has_error())
      throw std::runtime_error(to_string(done.error()));
  }

  /// A project of the borrower's organisation, which Olga and Oskar own.
  uuid add_project(std::uint8_t n, timestamp created_at) {
    platform_rows rows;
    rows.projects = {{make_id(10, n), "Project", ids::borrower_org, created_at}};
    insert(rows, now);
    return make_id(10, n);
  }

  /// As many rows for each job as a test wants to cut into chunks: per meeting, thread and project two people who are to
  /// be told.
  void add_crowd(std::uint8_t size) {
    platform_rows rows;
    for (std::uint8_t n = 1; n <= size; ++n) {
      rows.projects.push_back(
          {make_id(10, n), "Project", ids::borrower_org, now - std::chrono::hours{24 * 4}});
      rows.threads.push_back({make_id(11, n), make_id(10, n), "Talk"});
      rows.messages.push_back({make_id(11, n), ids::max, "hello", now - std::chrono::hours{5}});
      rows.meetings.push_back(
          {make_id(12, n), "Call", now + std::chrono::minutes{20}, 45, {}, ids::olga, {}, "scheduled"});
      auto place = static_cast<std::uint8_t>(2 * n);
      for (auto& user : {ids::olga, ids::oskar}) {
        rows.participants.push_back({make_id(11, n), user, {}});
        rows.meeting_participants.push_back({make_id(13, place++), make_id(12, n), user, "pending", false});
      }
    }
    insert(rows, now);
  }

  /// The world's projects go, and with them its threads and meetings.
  void clear_world() {
    backend->delete_project(ids::tower);
    backend->delete_project(ids::depot);
  }

  // -- looking ----------------------------------------------------------------------------------------------

  /// Who got an event, and about what.
  std::vector<std::string> told() {
    std::vector<std::string> out;
    for (auto& x : backend->events()) {
      auto data = payload_of(x);
      auto about = x.meeting_id ? x.meeting_id : x.thread_id ? x.thread_id : x.project_id;
      out.push_back(x.type + " " + (about ? to_string(*about) : "") + " " + data.text("user_id").value_or("")
                    + " " + data.text("resume_type").value_or("")
                    + std::to_string(data.integer("nudge_tier").value_or(0)));
    }
    std::ranges::sort(out);
    return out;
  }

  static payload payload_of(const domain_event& x) { return payload::parse(x.payload).value(); }

private:
  std::map<std::string, run_ref> runs_;
};

} // namespace herald::test
