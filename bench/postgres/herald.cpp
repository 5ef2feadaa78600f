#include "bench/postgres/herald.hpp"

namespace herald::bench {

namespace {

std::vector<std::string> command(std::vector<std::string> words) {
  for (auto x : {"--log-level", "ERROR", "--set", "email.enabled=false"})
    words.emplace_back(x);
  return words;
}

std::map<std::string, std::string> environment(const secret& url) {
  return {{"HERALD_STORE", "postgres"}, {"DATABASE_URL", std::string{url.reveal()}}};
}

} // namespace

run_figures herald_program::fan_out(const secret& url) const {
  return run_herald(path_, command({"once", "notify-fan-out"}), environment(url));
}

run_figures herald_program::fan_out(const supabase_project& project) const {
  auto args = command({"once", "notify-fan-out", "--set", "store.supabase.ca_file=" + project.ca_file});
  return run_herald(path_, args,
                    {{"HERALD_STORE", "supabase"},
                     {"SUPABASE_URL", project.url},
                     {"SUPABASE_SERVICE_ROLE_KEY", project.key}});
}

std::vector<std::unique_ptr<child>> herald_program::run(const secret& url, std::size_t processes) const {
  std::vector<std::unique_ptr<child>> out;
  for (std::size_t i = 0; i < processes; ++i)
    out.push_back(
        std::make_unique<child>(path_, command({"run", "--set", "jobs.enabled=false"}), environment(url)));
  return out;
}

} // namespace herald::bench
