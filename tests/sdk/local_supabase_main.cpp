// A Supabase for tests in other processes: PostgreSQL with deploy/sql, a real PostgREST, and the gateway before it.
// Prints one line, its address and keys as JSON, and runs until its standard input ends.
// Exit status 77 says that this machine has no PostgreSQL or no PostgREST.
#include <iostream>
#include <string>

#include <nlohmann/json.hpp>

#include "tests/fakes/supabase_gateway.hpp"
#include "tests/support/postgres_server.hpp"
#include "tests/support/postgrest_server.hpp"

int main() {
  using namespace herald::test;
  try {
    if (!postgres_server::installed() || !postgrest_server::installed()) {
      std::cout << "skipped: " << (postgres_server::installed() ? "PostgREST" : "PostgreSQL")
                << " is not installed\n";
      return 77;
    }
    test_database database;
    postgrest_server postgrest{database.name()};
    supabase_gateway gateway{{std::nullopt, postgrest.socket()}};
    std::cout << nlohmann::json{{"url", gateway.base_url()},
                                {"service_role", supabase_gateway::token("service_role")},
                                {"anon", supabase_gateway::token("anon")},
                                {"secret", supabase_gateway::secret_key()},
                                {"publishable", supabase_gateway::publishable_key()}}
              << std::endl;
    std::string ignored;
    while (std::getline(std::cin, ignored))
      ;
    return 0;
  } catch (const std::exception& x) {
    std::cerr << x.what() << '\n';
    return 2;
  }
}
