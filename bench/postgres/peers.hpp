// Job queues on PostgreSQL at the work that Herald does for document events, one statement per event.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "bench/child.hpp"
#include "messages/secret.hpp"

namespace herald::bench {

class peers {
public:
  /// Installs them below the build tree on first use. Afterwards `reason` says why they are not there, if so.
  peers(const std::string& source, const std::string& target);

  bool installed() const { return reason_.empty(); }
  const std::string& reason() const { return reason_; }

  static std::vector<std::string> names() { return {"graphile_worker", "pg_boss"}; }

  /// A job for every event of the database.
  void set_up(const std::string& name, const std::string& database) const;

  /// Starts to work; returned once it is connected, and about to begin.
  std::unique_ptr<child> work(const std::string& name, const std::string& database, bool backlog) const;

  /// Appends events with their jobs at a steady pace.
  void feed(const std::string& name, const std::string& database, std::size_t events,
            double per_second) const;

  /// Where the databases are.
  std::string socket_directory;

private:
  std::unique_ptr<child> start(const std::string& name, const std::string& verb, const std::string& database,
                               std::vector<std::string> more) const;

  std::string directory_;
  std::string reason_;
};

} // namespace herald::bench
