// A private PostgreSQL for the tests, or the benchmark, of one process: on a socket in a temporary directory, with a database
// for each test that is cloned from a prepared one. It ends and is removed with the process, whatever the
// process dies of.
#pragma once

#include <cstdint>
#include <string>

#include "messages/secret.hpp"

namespace herald::test {

class postgres_server {
public:
  /// The server's programs are on this machine.
  static bool installed();

  /// The one of the tests, which cares for speed alone. Starts it on first use. Throws with the server's own
  /// words when that fails.
  /// @pre installed()
  static postgres_server& instance();

  /// Another one, in a new directory below `parent` (a short path: it holds a socket), with these lines of
  /// postgresql.conf. Throws like instance().
  /// @pre installed()
  postgres_server(const std::string& parent, const std::string& settings);
  ~postgres_server();

  postgres_server(const postgres_server&) = delete;
  postgres_server& operator=(const postgres_server&) = delete;

  /// For the superuser `postgres`, or another role.
  secret url(const std::string& database, const std::string& role = "postgres") const;

  /// Where the server's socket is.
  const std::string& directory() const { return directory_; }

  /// An empty database with the platform's tables and Herald's own, as deploy/sql makes them.
  std::string create_database();
  /// One without anything.
  std::string create_bare_database();
  /// One that is like `original`, to which nobody may be connected.
  std::string copy_database(const std::string& original);
  /// Disconnects whoever uses it.
  void drop_database(const std::string& name);

  /// As a power cut would have it; ready again when this returns.
  void restart();
  void stop();
  void start();

private:
  /// Has the guardian do something; throws with its words when it could not.
  void command(const std::string& line);
  std::string read_answer();
  void prepare_template();
  void run(const std::string& sql);

  std::string directory_;
  int to_guardian_ = -1;
  int from_guardian_ = -1;
  std::string unread_;
  bool has_template_ = false;
  std::uint64_t databases_ = 0;
};

/// A database that lives as long as its test.
class test_database {
public:
  enum class kind : std::uint8_t { herald, bare };

  explicit test_database(kind wanted = kind::herald)
      : name_{wanted == kind::herald ? postgres_server::instance().create_database()
                                     : postgres_server::instance().create_bare_database()} {}

  test_database(const test_database&) = delete;
  test_database& operator=(const test_database&) = delete;

  ~test_database() { postgres_server::instance().drop_database(name_); }

  const std::string& name() const { return name_; }

  secret url(const std::string& role = "postgres") const {
    return postgres_server::instance().url(name_, role);
  }

private:
  std::string name_;
};

} // namespace herald::test
