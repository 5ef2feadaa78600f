#include "bench/postgres/limits.hpp"

#include <algorithm>
#include <exception>
#include <memory>
#include <thread>

#include <fmt/format.h>

#include "bench/postgres/client.hpp"
#include "bench/support.hpp"

namespace herald::bench {

namespace {

constexpr auto notification_columns = "user_id, event_id, title, body, link_url, created_at, payload";
constexpr auto email_columns =
    "user_id, event_id, event_type, delivery_type, project_id, project_name, subject, "
    "body_data, status, created_at";

std::uint64_t lines(const std::string& x) {
  return static_cast<std::uint64_t>(std::ranges::count(x, '\n'));
}

} // namespace

output_rows read_output(const secret& url) {
  client db{url};
  output_rows out;
  auto last = static_cast<std::int64_t>(db.number("SELECT coalesce(max(id), 0) FROM domain_events"));
  for (std::int64_t first = 1; first <= last; first += events_per_copy) {
    auto rows_of = [&](const char* columns, const char* table) {
      return db.copy_out(fmt::format("SELECT {} FROM {} WHERE event_id BETWEEN {} AND {} ORDER BY id",
                                     columns, table, first, first + events_per_copy - 1));
    };
    output_rows::chunk x{rows_of(notification_columns, "notifications"),
                         rows_of(email_columns, "pending_emails")};
    out.rows += lines(x.notifications) + lines(x.emails);
    out.chunks.push_back(std::move(x));
  }
  return out;
}

double copy_output(const secret& url, const output_rows& output, std::size_t sessions) {
  std::vector<std::unique_ptr<client>> clients;
  for (std::size_t i = 0; i < sessions; ++i)
    clients.push_back(std::make_unique<client>(url));
  std::vector<std::exception_ptr> troubles(sessions);
  auto start = std::chrono::steady_clock::now();
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < sessions; ++i)
      threads.emplace_back([&, i] {
        try {
          for (auto at = i; at < output.chunks.size(); at += sessions) {
            auto& chunk = output.chunks[at];
            clients[i]->run("BEGIN");
            clients[i]->copy_in(fmt::format("notifications ({})", notification_columns), chunk.notifications);
            clients[i]->copy_in(fmt::format("pending_emails ({})", email_columns), chunk.emails);
            clients[i]->run("COMMIT");
          }
        } catch (...) {
          troubles[i] = std::current_exception();
        }
      });
  }
  auto out = seconds_since(start);
  for (auto& x : troubles)
    if (x)
      std::rethrow_exception(x);
  return out;
}

} // namespace herald::bench
