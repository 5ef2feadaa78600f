// The PostgreSQL store takes part in the contract, with the functions and tables that deploy/sql makes.
#include <gtest/gtest.h>

#include "tests/contract/nudge_contract.hpp"
#include "tests/contract/outbox_contract.hpp"
#include "tests/contract/sql_backend.hpp"
#include "tests/contract/watch_contract.hpp"
#include "tests/support/sql_platform.hpp"

namespace herald::test {

namespace {

class postgres_backend final : public sql_backend {
public:
  store_under_test open() override {
    struct replica {
      explicit replica(const postgres_options& x) : store{value_of(open_postgres_store(x))}, platform{x} {}

      std::unique_ptr<postgres_store> store;
      sql_platform platform;
    };
    auto x = std::make_shared<replica>(options());
    return {x, *x->store, x->platform};
  }
};

/// None where PostgreSQL is not installed: a fixture's constructor cannot skip.
std::vector<store_kind> kinds() {
  if (!postgres_server::installed())
    return {};
  return {{"postgres", [] { return std::make_unique<postgres_backend>(); }}};
}

INSTANTIATE_TEST_SUITE_P(postgres, store_contract, testing::ValuesIn(kinds()),
                         [](const auto& x) { return x.param.name; });
INSTANTIATE_TEST_SUITE_P(postgres, outbox_contract, testing::ValuesIn(kinds()),
                         [](const auto& x) { return x.param.name; });
INSTANTIATE_TEST_SUITE_P(postgres, job_contract, testing::ValuesIn(kinds()),
                         [](const auto& x) { return x.param.name; });
INSTANTIATE_TEST_SUITE_P(postgres, watch_contract, testing::ValuesIn(kinds()),
                         [](const auto& x) { return x.param.name; });
INSTANTIATE_TEST_SUITE_P(postgres, nudge_contract, testing::ValuesIn(kinds()),
                         [](const auto& x) { return x.param.name; });

TEST(postgres_contract, has_a_server_to_run_on) {
  if (!postgres_server::installed())
    GTEST_SKIP() << "PostgreSQL is not installed";
}

} // namespace

} // namespace herald::test
