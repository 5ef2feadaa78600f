// A real PostgREST before a database of the test's PostgreSQL: on a socket in a temporary directory. It ends and is
// removed with the process, whatever the process dies of.
#pragma once

#include <string>

#include <sys/types.h>

#include "messages/secret.hpp"

namespace herald::test {

class postgrest_server {
public:
  /// The program was installed into the build tree (./dev test does, tests/sdk/install.sh).
  static bool installed();

  /// Returns once it answers. `settings` are further lines of its configuration, e.g. `db-pool = 1`. Throws with its
  /// own words when it does not start.
  /// @pre installed(), and the database has the roles that deploy/sql/base makes
  explicit postgrest_server(const std::string& database, const std::string& settings = {});
  /// Before a database of any server: `url` is that of the role authenticator.
  explicit postgrest_server(const secret& url, const std::string& settings = {});
  ~postgrest_server();

  postgrest_server(const postgrest_server&) = delete;
  postgrest_server& operator=(const postgrest_server&) = delete;

  /// The path of its socket.
  std::string socket() const { return directory_ + "/rest"; }

private:
  void await_ready();
  void stop();

  std::string directory_;
  pid_t guardian_ = -1;
  int to_guardian_ = -1;
  int from_server_ = -1;
};

} // namespace herald::test
