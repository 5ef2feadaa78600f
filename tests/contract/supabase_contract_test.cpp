// The Supabase store takes part in the contract: through a gateway and a real PostgREST, with the rights that deploy/sql
// grants to service_role and no others.
#include <gtest/gtest.h>

#include "adapters/store/supabase/supabase_store.hpp"
#include "tests/contract/nudge_contract.hpp"
#include "tests/contract/outbox_contract.hpp"
#include "tests/contract/sql_backend.hpp"
#include "tests/contract/watch_contract.hpp"
#include "tests/fakes/supabase_gateway.hpp"
#include "tests/support/postgrest_server.hpp"
#include "tests/support/sql_platform.hpp"

namespace herald::test {

namespace {

class supabase_backend final : public sql_backend {
public:
  store_under_test open() override {
    struct replica {
      replica(const supabase_options& x, const postgres_options& side)
          : store{value_of(open_supabase_store(x))}, platform{side} {}

      std::unique_ptr<remote_store> store;
      sql_platform platform;
    };
    supabase_options x;
    x.url = gateway_.base_url();
    x.service_role_key = secret{supabase_gateway::secret_key()};
    auto out = std::make_shared<replica>(x, options());
    return {out, *out->store, out->platform};
  }

private:
  postgrest_server postgrest_{database().name()};
  supabase_gateway gateway_{{std::nullopt, postgrest_.socket()}};
};

/// None where the servers are not installed: a fixture's constructor cannot skip.
std::vector<store_kind> kinds() {
  if (!postgres_server::installed() || !postgrest_server::installed())
    return {};
  return {{"supabase", [] { return std::make_unique<supabase_backend>(); }}};
}

INSTANTIATE_TEST_SUITE_P(supabase, store_contract, testing::ValuesIn(kinds()),
                         [](const auto& x) { return x.param.name; });
INSTANTIATE_TEST_SUITE_P(supabase, outbox_contract, testing::ValuesIn(kinds()),
                         [](const auto& x) { return x.param.name; });
INSTANTIATE_TEST_SUITE_P(supabase, job_contract, testing::ValuesIn(kinds()),
                         [](const auto& x) { return x.param.name; });
INSTANTIATE_TEST_SUITE_P(supabase, watch_contract, testing::ValuesIn(kinds()),
                         [](const auto& x) { return x.param.name; });
INSTANTIATE_TEST_SUITE_P(supabase, nudge_contract, testing::ValuesIn(kinds()),
                         [](const auto& x) { return x.param.name; });

TEST(supabase_contract, has_servers_to_run_on) {
  if (!postgres_server::installed())
    GTEST_SKIP() << "PostgreSQL is not installed";
  if (!postgrest_server::installed())
    GTEST_SKIP() << "PostgREST is not installed";
}

} // namespace

} // namespace herald::test
