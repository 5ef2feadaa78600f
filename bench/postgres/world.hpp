// Where the PostgreSQL benchmark takes place: a private, durable server, and databases with a company whose
// people have caused events that nobody has worked on yet.
#pragma once

#include <cstddef>
#include <string>

#include "bench/postgres/client.hpp"
#include "messages/secret.hpp"
#include "tests/support/postgres_server.hpp"

namespace herald::bench {

/// What the events are.
enum class workload {
  mix,       ///< every type, as on a busy platform
  documents, ///< uploads that reach about 20 people each
};

std::string_view name_of(workload);

/// The settings that the server's durability and the measurements depend on, as `name = value` lines.
std::string server_settings();

class world {
public:
  /// Throws when PostgreSQL does not start.
  world();

  secret url(const std::string& database, const std::string& role = "postgres") const {
    return server_.url(database, role);
  }
  const std::string& directory() const { return server_.directory(); }

  /// A database that stays as it is, to be copied: the company and `events` events.
  std::string prepare(workload, std::size_t events);

  /// The same as `original`, with a million notifications of an earlier time in the inboxes.
  std::string with_full_inboxes(const std::string& original);

  std::string copy(const std::string& original);
  void drop(const std::string& database) { server_.drop_database(database); }

private:
  test::postgres_server server_;
};

/// A copy of a database that is dropped in the end.
class working_copy {
public:
  working_copy(world& where, const std::string& original) : where_{where}, name_{where.copy(original)} {}
  working_copy(const working_copy&) = delete;
  working_copy& operator=(const working_copy&) = delete;
  ~working_copy() { where_.drop(name_); }

  const std::string& name() const { return name_; }
  secret url(const std::string& role = "postgres") const { return where_.url(name_, role); }

private:
  world& where_;
  std::string name_;
};

/// How many notifications `with_full_inboxes` adds.
inline constexpr std::size_t old_notifications = 1'000'000;

/// How many events one insert takes while a database is prepared.
inline constexpr std::size_t events_at_once = 5'000;

} // namespace herald::bench
