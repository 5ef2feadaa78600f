// How fast queued e-mails leave the house: the real program against a provider in another process on this machine.
#include "bench/email.hpp"

#include <algorithm>
#include <chrono>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "adapters/http/client.hpp"
#include "adapters/system_clock.hpp"
#include "app/demo/company.hpp"
#include "app/demo/events.hpp"
#include "bench/child.hpp"
#include "bench/support.hpp"
#include "core/email/render.hpp"
#include "core/email/samples.hpp"

namespace herald::bench {

namespace {

/// The fake Resend as a process of its own, so that its work is not counted as Herald's.
class provider_process {
public:
  provider_process(const std::string& program, int per_second)
      : program_{program, {"--per-second", std::to_string(per_second)}}, url_{program_.read_line()} {
    // nop
  }

  const std::string& url() const { return url_; }

  nlohmann::json stats() const {
    http_client_options options;
    options.base_url = url_;
    options.user_agent = "herald-bench";
    auto client = open_http_client(options);
    check(client);
    http_request request;
    request.target = "/control/stats";
    auto answer = (*client)->exchange(request);
    if (!answer.response)
      throw std::runtime_error(answer.error);
    return nlohmann::json::parse(answer.response->body);
  }

private:
  child program_;
  std::string url_;
};

/// A database with `count` immediate e-mails queued by the real fan-out.
void prepare(const std::string& program, const std::string& path, std::size_t count) {
  auto store = open(path);
  auto now = system_clock{}.now();
  auto people = make_company({.seed = 1,
                              .now = now,
                              .people = 60,
                              .people_per_project = 26,
                              .files_per_project = 60,
                              .denials_per_project = 0});
  // The provider refuses addresses of example.com.
  for (auto& x : people.rows.profiles)
    if (auto at = x.email.find("@example.com"); at != std::string::npos)
      x.email.replace(at, std::string::npos, "@harborview.io");
  people.rows.preferences.clear();
  check(store->insert_platform_rows(people.rows, now));
  constexpr std::size_t at_once = 5'000;
  for (std::size_t first = 0; first < count; first += at_once)
    check(store->insert_events(mixed_events(people,
                                            {.seed = 1, .at = now, .only_type = "project_access_granted"},
                                            first, std::min(at_once, count - first)),
                               now));
  run_herald(program, {"once", "notify-fan-out", "--database", path, "--log-level", "ERROR"});
}

struct sending {
  run_figures run;
  std::uint64_t mails = 0;
  std::uint64_t requests = 0;
  std::uint64_t too_many = 0;
};

sending send(const std::string& program, const provider_process& provider, const std::string& path,
             std::vector<std::string> settings) {
  std::vector<std::string> args{"once", "email-instant", "--database", path, "--log-level", "ERROR"};
  for (auto& x : settings)
    args.insert(args.end(), {"--set", x});
  sending out;
  out.run = run_herald(program, args, {{"RESEND_API_KEY", "re_bench"}, {"RESEND_BASE_URL", provider.url()}});
  auto stats = provider.stats();
  out.mails = stats.at("accepted_mails").get<std::uint64_t>();
  out.requests = stats.at("requests").get<std::uint64_t>();
  out.too_many = stats.at("rate_limited").get<std::uint64_t>();
  return out;
}

void throttled(const std::string& program, const std::string& provider, const scratch& dir,
               std::size_t count) {
  auto path = dir.file("throttled.db");
  prepare(program, path, count);
  provider_process fake{provider, 2};
  auto x = send(program, fake, path,
                {"resend.rate_start=1.95", "resend.rate_max=2", "resend.rate_share=0.975", "resend.burst=1"});
  auto rate = static_cast<double>(x.mails) / x.run.wall;
  fmt::print("against 2 requests/s (limit 200 mails/s)\n"
             "  {} mails in {} requests, {:.1f} s: {:.0f} mails/s, {:.1f} % of the limit's requests used, {} "
             "answers 429\n",
             x.mails, x.requests, x.run.wall, rate,
             100 * static_cast<double>(x.requests - 1) / (2 * x.run.wall), x.too_many);
}

void unthrottled(const std::string& program, const std::string& provider, const scratch& dir,
                 std::size_t count) {
  auto path = dir.file("unthrottled.db");
  prepare(program, path, count);
  provider_process fake{provider, 100'000};
  auto x =
      send(program, fake, path,
           {"resend.rate_start=1000", "resend.rate_max=1000", "resend.rate_share=1", "resend.burst=1000"});
  auto mails = static_cast<double>(x.mails);
  fmt::print("without a limit\n"
             "  {} mails in {} requests, {:.2f} s: {:.0f} mails/s, {:.0f} requests/s, {:.0f} us CPU per "
             "mail, {:.1f} MB peak "
             "RSS\n",
             x.mails, x.requests, x.run.wall, mails / x.run.wall,
             static_cast<double>(x.requests) / x.run.wall, 1e6 * x.run.cpu / mails, x.run.rss_mb);
}

void rendering() {
  auto templates = email_templates::load();
  check(templates);
  email_settings settings;
  for (auto& name : {std::string{"document_uploaded"}, std::string{"digest"}}) {
    auto mail = sample_mail(name);
    auto start = std::chrono::steady_clock::now();
    std::size_t n = 0;
    for (; seconds_since(start) < 1; ++n)
      check(render_email(mail, sample_profile(), *templates, settings, sample_time()));
    fmt::print("  {:18} {:7.0f} renders/s (HTML and text)\n", name,
               static_cast<double>(n) / seconds_since(start));
  }
}

} // namespace

int email(const std::string& program, const std::string& provider, std::size_t count) {
  scratch dir;
  throttled(program, provider, dir, std::max<std::size_t>(count / 5, 2'000));
  unthrottled(program, provider, dir, count);
  fmt::print("rendering alone\n");
  rendering();
  return 0;
}

} // namespace herald::bench
