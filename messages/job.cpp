#include "messages/job.hpp"

namespace herald {

std::string to_string(const schedule_change_ptr& x) {
  return x ? "schedule_change(" + std::to_string(x->size()) + ")" : "schedule_change(null)";
}

std::string_view to_string(run_state x) {
  switch (x) {
  case run_state::running:
    return "running";
  case run_state::ran:
    return "ran";
  case run_state::late:
    return "late";
  case run_state::missed:
    return "missed";
  case run_state::failed:
    return "failed";
  }
  return "unknown";
}

std::string_view to_string(run_cause x) {
  switch (x) {
  case run_cause::schedule:
    return "schedule";
  case run_cause::catch_up:
    return "catch_up";
  case run_cause::hand:
    return "hand";
  }
  return "unknown";
}

std::string_view to_string(begin_verdict x) {
  switch (x) {
  case begin_verdict::begun:
    return "begun";
  case begin_verdict::settled:
    return "settled";
  case begin_verdict::busy:
    return "busy";
  }
  return "unknown";
}

std::optional<duration> took(const job_run& x) {
  return x.started_at && x.ended_at ? std::optional{*x.ended_at - *x.started_at} : std::nullopt;
}

} // namespace herald
