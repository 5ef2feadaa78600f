// Herald's functions over libpq, and what has to be true of a database before they are called.
#include "adapters/store/postgres/postgres_store.hpp"

#include <exception>
#include <optional>
#include <utility>

#include "adapters/store/postgres/connection.hpp"

namespace herald {

namespace {

using postgres::connection;

class libpq_caller final : public function_caller {
public:
  explicit libpq_caller(postgres_options options) : options_{std::move(options)} {}

  result<std::string> call(std::string_view function, const std::string& request) override {
    try {
      auto ready = connect();
      if (ready.has_error())
        return ready.error();
      auto answer = connection_->run_prepared("SELECT public." + std::string{function} + "($1::json)",
                                              {request.c_str()}, "call " + std::string{function});
      if (answer.has_error())
        return answer.error();
      return std::string{answer->size() == 1 ? answer->text(0, 0) : std::string_view{}};
    } catch (const std::exception& e) {
      // Whatever half of a statement is under way, it goes with its session.
      connection_.reset();
      return failure{failure_class::outage, std::string{"PostgreSQL store: "} + e.what()};
    }
  }

  /// There is a session, or a new one was opened.
  result<void> connect() {
    if (connection_ && connection_->alive())
      return {};
    connection_.reset();
    auto opened = connection::open(options_);
    if (opened.has_error())
      return opened.error();
    connection_.emplace(std::move(*opened));
    return {};
  }

  /// All functions are there, and this role may execute them.
  result<void> check_functions() {
    std::string names;
    for (auto x : remote_functions())
      names.append(names.empty() ? "{" : ",").append(x);
    names += "}";
    auto found = connection_->run(
        "SELECT count(f), string_agg(name, ', ') FILTER (WHERE f IS NULL),"
        " string_agg(name, ', ') FILTER (WHERE NOT has_function_privilege(f, 'EXECUTE')), current_user"
        " FROM (SELECT name, to_regprocedure('public.' || name || '(json)')::oid AS f"
        " FROM unnest($1::text[]) AS name) AS wanted",
        {names.c_str()}, "look for Herald's functions");
    if (found.has_error())
      return found.error();
    if (found->text(0, 0) == "0")
      return unusable("has none of Herald's functions; run herald migrate");
    if (!found->is_null(0, 1))
      return unusable("lacks functions that this version of Herald calls (" + std::string{found->text(0, 1)}
                      + "); run herald migrate");
    if (!found->is_null(0, 2))
      return unusable("does not let this role execute Herald's functions; grant EXECUTE on "
                      + std::string{found->text(0, 2)} + " to " + std::string{found->text(0, 3)});
    return {};
  }

  bool pooled() const { return connection_ && connection_->pooled(); }

private:
  failure unusable(const std::string& why) const {
    return {failure_class::outage, connection_->where() + " " + why};
  }

  postgres_options options_;
  std::optional<connection> connection_;
};

class libpq_store final : public postgres_store {
public:
  explicit libpq_store(std::unique_ptr<libpq_caller> caller)
      : libpq_store{*caller, std::move(caller)} { /* the reference is taken first */
  }

  bool pooled() const override { return caller_.pooled(); }

private:
  libpq_store(libpq_caller& view, std::unique_ptr<libpq_caller> caller)
      : postgres_store{std::move(caller)}, caller_{view} {}

  libpq_caller& caller_;
};

} // namespace

result<std::unique_ptr<postgres_store>> open_postgres_store(const postgres_options& options) {
  try {
    auto caller = std::make_unique<libpq_caller>(options);
    auto ready = caller->connect();
    if (ready.has_error())
      return ready.error();
    auto usable = caller->check_functions();
    if (usable.has_error())
      return usable.error();
    return std::unique_ptr<postgres_store>{std::make_unique<libpq_store>(std::move(caller))};
  } catch (const std::exception& e) {
    return failure{failure_class::outage, std::string{"PostgreSQL store: "} + e.what()};
  }
}

} // namespace herald
