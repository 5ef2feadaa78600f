#include "app/store_setup.hpp"

#include <algorithm>
#include <utility>

#include "adapters/store/postgres/connection.hpp"

namespace herald {

namespace {

template <class Store>
result<std::unique_ptr<full_store>> as_full_store(result<std::unique_ptr<Store>> opened) {
  if (!opened)
    return opened.error();
  return std::unique_ptr<full_store>{std::move(*opened)};
}

} // namespace

result<std::unique_ptr<full_store>> open_store(const store_options& options, bool may_create) {
  switch (options.kind) {
  case store_kind::sqlite: {
    auto file = options.sqlite;
    file.create = file.create && may_create;
    return as_full_store(open_sqlite_store(file));
  }
  case store_kind::postgres:
    return as_full_store(open_postgres_store(options.postgres));
  case store_kind::supabase:
    return as_full_store(open_supabase_store(options.supabase));
  }
  return failure{failure_class::permanent, "store.kind is not known to this program"};
}

result<std::unique_ptr<full_store>> open_store_briefly(const store_options& options) {
  constexpr duration connect{2'000};
  constexpr duration answer{5'000};
  auto hasty = options;
  hasty.postgres.connect_timeout = std::min(hasty.postgres.connect_timeout, connect);
  hasty.postgres.statement_timeout = std::min(hasty.postgres.statement_timeout, answer);
  hasty.postgres.answer_timeout = std::min(hasty.postgres.answer_timeout, answer);
  hasty.supabase.connect_timeout = std::min(hasty.supabase.connect_timeout, connect);
  hasty.supabase.answer_timeout = std::min(hasty.supabase.answer_timeout, answer);
  return open_store(hasty, true);
}

std::string describe(const store_options& options) {
  switch (options.kind) {
  case store_kind::sqlite:
    return options.sqlite.path;
  case store_kind::postgres:
    return postgres::describe_url(options.postgres.url);
  case store_kind::supabase:
    return "Supabase project " + options.supabase.url;
  }
  return "an unknown store";
}

result<void> check_store(const store_options& options) {
  if (options.kind == store_kind::postgres)
    return postgres::check_url(options.postgres.url);
  return {};
}

} // namespace herald
