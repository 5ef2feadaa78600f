// The jobs that create events. One transaction per chunk, events and their dedupe rows together; a dry run only reads.
#pragma once

#include "adapters/store/sqlite/database.hpp"
#include "messages/job.hpp"

namespace herald::sqlite {

job_chunk remind_of_meetings(database& db, const meeting_reminders_request& request);

job_chunk nudge_unread_threads(database& db, const unread_nudges_request& request);

job_chunk nudge_incomplete_resumes(database& db, const resume_nudges_request& request);

} // namespace herald::sqlite
