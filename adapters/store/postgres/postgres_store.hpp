// The store on PostgreSQL: Herald's functions in the database, called over a connection of its own.
#pragma once

#include <memory>
#include <string>

#include "adapters/store/remote/remote_store.hpp"
#include "messages/secret.hpp"

namespace herald {

struct postgres_options {
  /// `postgresql://user@host:port/database?sslmode=verify-full` or `host=… dbname=…`; what libpq takes. May
  /// hold the password. Settings in here win over those below. Without `sslmode` a server on another machine has to
  /// prove its name with a certificate of an authority that the system trusts (verify-full).
  secret url;
  /// For each host that is tried; libpq counts in whole seconds, at least two.
  duration connect_timeout{10'000};
  /// The server ends a statement after this long. Behind a connection pooler the server's own setting holds.
  duration statement_timeout{20'000};
  /// How long the server may say nothing before the connection is given up: more than it takes to end a
  /// statement.
  duration answer_timeout{25'000};
};

class postgres_store : public remote_store {
public:
  using remote_store::remote_store;

  /// Between Herald and the server stands a connection pooler: no prepared statements, and LISTEN cannot be
  /// relied on. As of the newest connection.
  virtual bool pooled() const = 0;
};

/// Connects and makes sure that Herald's functions are there and may be called. Fails
///  - `permanent` when the URL is none;
///  - `outage` when the server cannot be reached or refuses, the functions are missing (the remedy is to run
///  herald migrate) or the role may not execute them (grant).
/// A connection that breaks later is opened anew by the next call.
result<std::unique_ptr<postgres_store>> open_postgres_store(const postgres_options& options);

} // namespace herald
