// The text half of app/reports.hpp.
#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "app/reports.hpp"
#include "app/terminal_text.hpp"
#include "core/reasons.hpp"

namespace herald {

namespace {

/// Bounds on what strangers may put on a screen, in characters.
constexpr std::size_t max_name = 60;
constexpr std::size_t max_reason = 500;
constexpr std::size_t max_payload = 2'000;

/// Widest cell of a table that is padded; a longer one pushes its row to the right.
constexpr std::size_t max_column = 40;

using table = std::vector<std::vector<std::string>>;

/// Columns two spaces apart, the first flush left, the others flush right, no space at a line's end.
std::string render(const table& rows, std::string_view indent) {
  std::vector<std::size_t> widths;
  for (auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max(widths[i], std::min(characters(row[i]), max_column));
  }
  std::string out;
  for (auto& row : rows) {
    out += indent;
    for (std::size_t i = 0; i < row.size(); ++i)
      out += i == 0 ? (row.size() > 1 ? pad_right(row[i], widths[i]) : row[i])
                    : "  " + pad_left(row[i], widths[i]);
    out += '\n';
  }
  return out;
}

std::string text_of(std::uint64_t x) {
  return std::to_string(x);
}

/// A span in its two largest units, e.g. `2 h 5 min` or `0.250 s`.
std::string span_text(duration x) {
  auto ms = std::max<std::int64_t>(x.count(), 0);
  auto seconds = ms / 1000;
  if (seconds < 1) {
    std::array<char, 32> out{};
    std::snprintf(out.data(), out.size(), "0.%03d s", static_cast<int>(ms));
    return out.data();
  }
  auto two = [](std::int64_t a, const char* unit_a, std::int64_t b, const char* unit_b) {
    auto out = std::to_string(a) + " " + unit_a;
    return b == 0 ? out : out + " " + std::to_string(b) + " " + unit_b;
  };
  if (seconds < 60)
    return std::to_string(seconds) + " s";
  if (seconds < 3'600)
    return two(seconds / 60, "min", seconds % 60, "s");
  if (seconds < 86'400)
    return two(seconds / 3'600, "h", seconds % 3'600 / 60, "min");
  return two(seconds / 86'400, "d", seconds % 86'400 / 3'600, "h");
}

/// A skip reason as a sentence; a reason from elsewhere stays what it is.
std::string reason_text(const std::string& reason) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 12> sentences{{
      {reasons::is_actor, "did it themselves"},
      {reasons::system_account, "is a system account"},
      {reasons::no_profile, "has no profile (any more)"},
      {reasons::no_access, "may not see what it is about"},
      {reasons::muted, "muted by their preferences"},
      {reasons::not_an_owner, "is no longer an owner of the project's organisation"},
      {reasons::already_nudged, "was nudged with this tier since the last edit"},
      {reasons::not_an_upgrade, "the change is not from view to edit"},
      {reasons::duplicate, "the same text is in the same batch"},
      {reasons::withdrawn, "the platform deleted it before it was sent"},
      {reasons::already_read, "the thread was read meanwhile"},
      {reasons::resume_complete, "the resume was finished meanwhile"},
  }};
  for (auto& [key, sentence] : sentences)
    if (key == reason)
      return reason + " (" + std::string{sentence} + ")";
  return printable(reason, max_reason);
}

/// `  name      value` lines; lines without a value are left out.
class field_list {
public:
  field_list& add(std::string_view name, const std::string& value) {
    if (!value.empty())
      out_ += "  " + pad_right(std::string{name}, 14) + value + "\n";
    return *this;
  }

  field_list& add(std::string_view name, const std::optional<uuid>& value) {
    return add(name, value ? to_string(*value) : std::string{});
  }

  field_list& add(std::string_view name, const std::optional<timestamp>& value) {
    return add(name, value ? to_iso8601(*value) : std::string{});
  }

  const std::string& str() const { return out_; }

private:
  std::string out_;
};

// -- explain ------------------------------------------------------------------------------------------------

std::string event_text(const explanation& x) {
  auto& event = x.event;
  field_list fields;
  fields.add("created", to_iso8601(event.created_at))
      .add("actor", event.actor_id)
      .add("project", event.project_id)
      .add("resource", event.resource_id)
      .add("thread", event.thread_id)
      .add("meeting", event.meeting_id)
      .add("payload", event.payload.empty() ? "" : printable(event.payload, max_payload))
      .add("claims", std::to_string(x.claim_no))
      .add("failures",
           std::to_string(x.attempts) + " counted, " + std::to_string(x.crashes) + " of them crashes")
      .add("worker", x.worker.empty() ? "" : printable(x.worker, max_name))
      .add("claimed", x.claimed_at)
      .add("leased until", x.lease_until)
      .add("next attempt", x.next_attempt_at)
      .add("completed", x.completed_at)
      // Without a class it is no failure but the warning of an event that completed.
      .add(x.error_class.empty() ? "warning" : "last error",
           x.error.empty() ? "" : printable(x.error, max_reason))
      .add("error class", printable(x.error_class, max_name));
  return "event " + std::to_string(event.id) + "  " + printable(event.type, max_name) + "  "
         + printable(x.state, max_name) + "\n" + fields.str();
}

std::string history_text(const std::vector<attempt_record>& history) {
  std::string out;
  for (auto& x : history) {
    out += "  claim " + std::to_string(x.claim_no) + "  ";
    out += x.claimed_at ? to_iso8601(*x.claimed_at) + " to " : "until ";
    out += to_iso8601(x.ended_at) + "  " + printable(x.ending, max_name);
    if (!x.kind.empty())
      out += " (" + printable(x.kind, max_name) + ")";
    if (!x.worker.empty())
      out += " by " + printable(x.worker, max_name);
    if (!x.reason.empty())
      out += ": " + printable(x.reason, max_reason);
    out += '\n';
  }
  return out;
}

std::string outcome_text(const recipient_outcome& x) {
  auto out =
      "    " + pad_right(printable(x.channel, max_name), 8) + pad_right(printable(x.state, max_name), 11);
  if (x.row_id)
    out += (x.channel == to_string(channel::email) ? "e-mail " : "notification ") + std::to_string(*x.row_id);
  else if (x.state != "skipped")
    out += "its row is gone";
  if (!x.row_state.empty())
    out += ", " + printable(x.row_state, max_name);
  if (!x.row_detail.empty())
    out += " (" + printable(x.row_detail, max_reason) + ")";
  if (!x.reason.empty())
    out += (x.state == "skipped" ? "" : ": ") + reason_text(x.reason);
  return out + "\n";
}

/// Outcomes by recipient, recipients in the order of their first outcome.
std::string outcomes_text(const std::vector<recipient_outcome>& outcomes) {
  std::string out;
  by_uuid<std::vector<const recipient_outcome*>> by_user;
  std::vector<uuid> order;
  for (auto& x : outcomes) {
    if (!by_user.contains(x.user_id))
      order.push_back(x.user_id);
    by_user[x.user_id].push_back(&x);
  }
  for (auto& user : order) {
    auto& of_user = by_user[user];
    auto& name = of_user.front()->user_name;
    out += "  " + (name.empty() ? std::string{"(no profile)"} : printable(name, max_name)) + "  "
           + to_string(user) + "\n";
    for (auto* x : of_user)
      out += outcome_text(*x);
  }
  return out;
}

// -- summary ------------------------------------------------------------------------------------------------

std::uint64_t skipped(const type_summary& x) {
  std::uint64_t n = 0;
  for (auto& entry : x.skipped)
    n += entry.second;
  return n;
}

std::vector<std::string> summary_row(std::string name, const type_summary& x) {
  return {std::move(name),    text_of(x.events),   text_of(x.notifications), text_of(x.rolled_up),
          text_of(x.emails),  text_of(skipped(x)), text_of(x.completed),     text_of(x.dead),
          text_of(x.pending), text_of(x.expired)};
}

void add_to(type_summary& sum, const type_summary& x) {
  sum.events += x.events;
  sum.completed += x.completed;
  sum.dead += x.dead;
  sum.pending += x.pending;
  sum.expired += x.expired;
  sum.notifications += x.notifications;
  sum.rolled_up += x.rolled_up;
  sum.emails += x.emails;
  for (auto& [reason, n] : x.skipped)
    sum.skipped[reason] += n;
}

std::string skip_text(const type_summary& sum) {
  if (sum.skipped.empty())
    return {};
  table rows;
  for (auto& [reason, n] : sum.skipped)
    rows.push_back({printable(reason, max_name), text_of(n)});
  return "\nrecipients kept back, by channel and reason\n" + render(rows, "  ");
}

} // namespace

std::string status_text(const store_status& x, timestamp now) {
  table rows{{"unclaimed", text_of(x.unclaimed)},
             {"in flight", text_of(x.in_flight)},
             {"stale leases", text_of(x.stale)},
             {"retries due", text_of(x.due_retries)},
             {"retries later", text_of(x.waiting)},
             {"completed", text_of(x.completed)},
             {"dead", text_of(x.dead)},
             {"expired", text_of(x.expired)}};
  auto out =
      "events\n" + render(rows, "  ") + "e-mails\n" + render({{"pending", text_of(x.emails_pending)}}, "  ");
  if (!x.oldest_pending)
    return out + "nothing is waiting\n";
  return out + "oldest unsettled event: " + span_text(now - *x.oldest_pending) + " old, created "
         + to_iso8601(*x.oldest_pending) + "\n";
}

std::string explanation_text(const explanation& x) {
  auto out = event_text(x);
  if (!x.history.empty())
    out += "claims that did not complete it\n" + history_text(x.history);
  if (x.outcomes.empty())
    return out + (x.completed_at ? "recipients: nobody\n" : "recipients: not known before it is handled\n");
  return out + "recipients\n" + outcomes_text(x.outcomes);
}

std::string dead_letters_text(std::span<const dead_letter> xs) {
  if (xs.empty())
    return "no dead letters\n";
  std::string out;
  for (auto& x : xs) {
    out += "event " + std::to_string(x.event_id) + "  " + printable(x.event_type, max_name) + "\n";
    out += field_list{}
               .add("died", to_iso8601(x.died_at) + ", created " + to_iso8601(x.created_at))
               .add("failures", std::to_string(x.attempts) + " counted, " + std::to_string(x.crashes)
                                    + " of them crashes; the last was " + printable(x.kind, max_name))
               .add("reason", printable(x.reason, max_reason))
               .str();
  }
  return out;
}

std::string summary_text(const store_summary& x) {
  table rows{{"event type", "events", "notified", "rolled up", "e-mails", "skipped", "completed", "dead",
              "pending", "expired"}};
  type_summary sum;
  for (auto& [type, figures] : x.by_type) {
    rows.push_back(summary_row(printable(type, max_name), figures));
    add_to(sum, figures);
  }
  rows.push_back(summary_row("total", sum));
  return render(rows, "") + skip_text(sum);
}

std::string outbox_text(const outbox_summary& x) {
  auto out = "mails sent: " + text_of(x.immediate_mails) + " immediate, " + text_of(x.digest_mails)
             + " digests; of " + text_of(x.rows) + " e-mails " + text_of(x.sent) + " went out alone, "
             + text_of(x.merged) + " merged into digests, " + text_of(x.skipped) + " skipped, "
             + text_of(x.failed) + " failed\n";
  auto waiting = x.pending + x.deferred + x.claimed + x.sealed;
  if (waiting > 0)
    out += "on their way: " + text_of(x.pending) + " pending, " + text_of(x.deferred)
           + " waiting for a digest, " + text_of(x.claimed) + " claimed, " + text_of(x.sealed) + " sealed in "
           + text_of(x.open_envelopes) + " requests\n";
  if (x.parked > 0)
    out += "waiting for a person: " + text_of(x.parked) + " (herald mail list)\n";
  for (auto& [reason, n] : x.reasons)
    out += "  " + pad_right(printable(reason, max_reason), max_column) + "  " + text_of(n) + "\n";
  return out;
}

std::string conservation_text(const conservation_report& x) {
  if (x.holds)
    return "conservation: all " + std::to_string(x.checks.size()) + " checks hold, nothing vanished\n";
  std::string out;
  for (auto& check : x.checks)
    if (!check.holds())
      out += "conservation BROKEN: " + printable(check.name) + ": " + text_of(check.left) + " against "
             + text_of(check.right) + "\n";
  return out;
}

} // namespace herald
