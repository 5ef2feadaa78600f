#include "adapters/store/postgres/connection.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <optional>

#include <libpq-fe.h>
#include <poll.h>
#include <unistd.h>

#include "adapters/store/postgres/error_text.hpp"

namespace herald::postgres {

namespace {

struct options_deleter {
  void operator()(PQconninfoOption* x) const noexcept { PQconninfoFree(x); }
};

std::string seconds(duration x) {
  return std::to_string(std::max<std::int64_t>(std::chrono::ceil<std::chrono::seconds>(x).count(), 1));
}

std::string name_of(PGconn* handle) {
  auto text = [](const char* x) { return x && *x ? std::string{x} : std::string{"?"}; };
  return "PostgreSQL database '" + text(PQdb(handle)) + "' at " + text(PQhost(handle)) + ":"
         + text(PQport(handle)) + " as '" + text(PQuser(handle)) + "'";
}

/// libpq does not print passwords; should it ever, or a server echo one, it ends here.
std::string without_password(std::string text, PGconn* handle) {
  auto password = std::string_view{PQpass(handle) ? PQpass(handle) : ""};
  // A shorter one is hidden by nothing: it stands in every text.
  if (password.size() < 4)
    return text;
  for (auto at = text.find(password); at != std::string::npos; at = text.find(password, at + 3))
    text.replace(at, password.size(), "***");
  return text;
}

} // namespace

// -- rows ---------------------------------------------------------------------------------------------------

void rows::deleter::operator()(pg_result* x) const noexcept {
  PQclear(x);
}

int rows::size() const {
  return PQntuples(handle_.get());
}

bool rows::is_null(int row, int column) const {
  return PQgetisnull(handle_.get(), row, column) != 0;
}

std::string_view rows::text(int row, int column) const {
  return {PQgetvalue(handle_.get(), row, column),
          static_cast<std::size_t>(PQgetlength(handle_.get(), row, column))};
}

std::int64_t rows::affected() const {
  auto text = std::string_view{PQcmdTuples(handle_.get())};
  std::int64_t out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

// -- connecting ---------------------------------------------------------------------------------------------

void connection::deleter::operator()(pg_conn* x) const noexcept {
  PQfinish(x);
}

namespace {

using parsed_url = std::unique_ptr<PQconninfoOption, options_deleter>;

/// Empty when it does not stand there.
std::string_view part_of(const parsed_url& parsed, std::string_view key) {
  for (auto* x = parsed.get(); x && x->keyword; ++x)
    if (x->keyword == key && x->val)
      return x->val;
  return {};
}

/// An @ or / in a password that is not written as %40 or %2F ends it for libpq: the rest of the password is then part of
/// what is told to everybody. A host may begin with an @, though (a socket without a file).
bool holds_half_a_password(const parsed_url& parsed) {
  return part_of(parsed, "host").find('@', 1) != std::string_view::npos
         || part_of(parsed, "port").find_first_not_of("0123456789,") != std::string_view::npos
         || (part_of(parsed, "user").empty()
             && part_of(parsed, "dbname").find('@') != std::string_view::npos);
}

/// Nothing when it is not understood, or in a way that nobody can have meant.
parsed_url parse_url(const secret& url) {
  auto text = std::string{url.reveal()};
  char* complaint = nullptr;
  auto parsed = parsed_url{PQconninfoParse(text.c_str(), &complaint)};
  PQfreemem(complaint);
  secret::wipe(text);
  if (holds_half_a_password(parsed))
    parsed.reset();
  return parsed;
}

/// Any of the hosts, which are separated by commas, is another machine.
bool leaves_this_machine(const parsed_url& parsed) {
  auto hosts = part_of(parsed, "host");
  if (hosts.empty())
    hosts = part_of(parsed, "hostaddr");
  auto is_here = [](std::string_view x) {
    return x.empty() || x.front() == '/' || x.front() == '@' || x == "localhost" || x == "::1"
           || x.starts_with("127.");
  };
  for (std::size_t first = 0; first <= hosts.size();) {
    auto end = std::min(hosts.find(',', first), hosts.size());
    if (!is_here(hosts.substr(first, end - first)))
      return true;
    first = end + 1;
  }
  return false;
}

/// How a server on another machine has to prove itself where the URL says nothing. libpq alone would be content with
/// none at all.
struct tls_defaults {
  std::string mode;
  std::string authorities;
};

tls_defaults tls_for(const secret& url) {
  auto parsed = parse_url(url);
  if (!leaves_this_machine(parsed) || !part_of(parsed, "sslmode").empty())
    return {};
  tls_defaults out{"verify-full", {}};
  if (part_of(parsed, "sslrootcert").empty())
    for (auto* bundle : {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"})
      if (out.authorities.empty() && access(bundle, R_OK) == 0)
        out.authorities = bundle;
  return out;
}

} // namespace

result<void> check_url(const secret& url) {
  // libpq's own complaint would repeat the text, password included.
  constexpr auto help = "write postgresql://USER:PASSWORD@HOST:PORT/DATABASE (special characters in the "
                        "password as %40 and the like), or host=… port=… dbname=… user=… password=…";
  if (url.empty())
    return failure{failure_class::permanent, std::string{"the PostgreSQL store has no URL: "} + help};
  if (!parse_url(url))
    return failure{failure_class::permanent,
                   std::string{"the URL of the PostgreSQL store is not understood: "} + help};
  return {};
}

std::string describe_url(const secret& url) {
  auto parsed = parse_url(url);
  auto text = [&](std::string_view key, std::string_view otherwise) {
    auto found = part_of(parsed, key);
    return std::string{found.empty() ? otherwise : found};
  };
  return "PostgreSQL database '" + text("dbname", "?") + "' at " + text("host", "its default host") + ":"
         + text("port", "5432");
}

result<connection> connection::open(const postgres_options& options) {
  auto valid = check_url(options.url);
  if (valid.has_error())
    return valid.error();
  auto url = std::string{options.url.reveal()};
  auto tls = tls_for(options.url);
  auto timeout = seconds(options.connect_timeout);
  // What stands behind `dbname` wins over what the URL says, what stands before it does not.
  constexpr std::array keys{"connect_timeout",
                            "fallback_application_name",
                            "keepalives_idle",
                            "keepalives_interval",
                            "keepalives_count",
                            "tcp_user_timeout",
                            "sslmode",
                            "sslrootcert",
                            "dbname",
                            "client_encoding",
                            static_cast<const char*>(nullptr)};
  // A server that thinks confirms what it got at once; only a dead one does not. So a long wait for answers is no
  // reason to wait for that.
  auto dead_after = std::to_string(std::min(options.answer_timeout, duration{60'000}).count());
  std::array values{timeout.c_str(),
                    "herald",
                    "30",
                    "10",
                    "3",
                    dead_after.c_str(),
                    tls.mode.c_str(),
                    tls.authorities.c_str(),
                    url.c_str(),
                    "UTF8",
                    static_cast<const char*>(nullptr)};
  auto out = connection{PQconnectdbParams(keys.data(), values.data(), 1)};
  secret::wipe(url);
  if (!out.handle_)
    return failure{failure_class::outage, "the process has no memory for a connection to PostgreSQL"};
  out.where_ = name_of(out.handle_.get());
  auto ready = out.set_up(options);
  if (ready.has_error())
    return ready.error();
  return out;
}

result<void> connection::set_up(const postgres_options& options) {
  if (PQstatus(handle_.get()) != CONNECTION_OK)
    return lost("connect");
  PQsetNoticeProcessor(
      handle_.get(), [](void*, const char*) { /* notices are for people at psql */ }, nullptr);
  answer_timeout_ = options.answer_timeout;
  if (PQsetnonblocking(handle_.get(), 1) != 0)
    return lost("connect");
  // A pooler hands out process numbers of its own. What is set on a pooled session would stick to a
  // connection that others use too.
  auto own_pid = std::to_string(PQbackendPID(handle_.get()));
  auto timeout = std::to_string(options.statement_timeout.count());
  auto direct =
      run("SELECT CASE WHEN pg_backend_pid()::text = $1 THEN set_config('statement_timeout', $2, false) END",
          {own_pid.c_str(), timeout.c_str()}, "set up the session");
  if (direct.has_error())
    return direct.error();
  pooled_ = direct->is_null(0, 0);
  return {};
}

// -- statements ---------------------------------------------------------------------------------------------

result<rows> connection::run(const std::string& sql, parameters values, std::string_view doing) {
  auto sent = PQsendQueryParams(handle_.get(), sql.c_str(), static_cast<int>(values.size()), nullptr,
                                values.begin(), nullptr, nullptr, 0);
  return finish(sent != 0, doing);
}

result<rows> connection::run_prepared(const std::string& sql, parameters values, std::string_view doing) {
  if (pooled_)
    return run(sql, values, doing);
  auto known = prepared_.find(sql);
  if (known == prepared_.end()) {
    auto name = "herald_" + std::to_string(prepared_.size() + 1);
    auto done = finish(PQsendPrepare(handle_.get(), name.c_str(), sql.c_str(), 0, nullptr) != 0, doing);
    if (done.has_error())
      return done.error();
    known = prepared_.emplace(sql, name).first;
  }
  auto sent = PQsendQueryPrepared(handle_.get(), known->second.c_str(), static_cast<int>(values.size()),
                                  values.begin(), nullptr, nullptr, 0);
  return finish(sent != 0, doing);
}

result<void> connection::run_script(const std::string& sql, std::string_view doing) {
  auto done = finish(PQsendQuery(handle_.get(), sql.c_str()) != 0, doing);
  if (done.has_error())
    return done.error();
  return {};
}

session_facts connection::facts() const {
  session_facts out;
  out.pooled = pooled_;
  out.encrypted = PQsslInUse(handle_.get()) != 0;
  if (auto* protocol = PQsslAttribute(handle_.get(), "protocol"); out.encrypted && protocol)
    out.protocol = protocol;
  auto settings = std::unique_ptr<PQconninfoOption, options_deleter>{PQconninfo(handle_.get())};
  for (auto* x = settings.get(); x && x->keyword; ++x)
    if (x->val && std::string_view{x->keyword} == "sslmode")
      out.sslmode = x->val;
  auto text = [](const char* x) { return std::string_view{x ? x : ""}; };
  auto host = text(PQhost(handle_.get()));
  auto address = text(PQhostaddr(handle_.get()));
  out.local = host.empty() || host.front() == '/' || host == "localhost" || address.starts_with("127.")
              || address == "::1";
  return out;
}

result<rows> connection::finish(bool sent, std::string_view doing) {
  sqlstate_.clear();
  if (!sent)
    return lost(doing);
  std::optional<rows> last;
  auto last_status = PGRES_FATAL_ERROR;
  std::string sqlstate;
  std::string text;
  while (true) {
    while (PQflush(handle_.get()) > 0 || PQisBusy(handle_.get()))
      if (!await_input())
        return PQstatus(handle_.get()) == CONNECTION_OK ? silent(doing) : lost(doing);
    auto* next = PQgetResult(handle_.get());
    if (!next)
      break;
    last.emplace(next);
    last_status = PQresultStatus(next);
    if (last_status == PGRES_FATAL_ERROR) {
      auto field = [next](int code) {
        auto* x = PQresultErrorField(next, code);
        return std::string{x ? x : ""};
      };
      sqlstate = field(PG_DIAG_SQLSTATE);
      text = field(PG_DIAG_MESSAGE_PRIMARY);
    }
  }
  // First of all: a session that the server ended leaves results without an SQLSTATE, or with one that says
  // why it did.
  if (PQstatus(handle_.get()) != CONNECTION_OK)
    return lost(doing);
  if (!last
      || (last_status != PGRES_TUPLES_OK && last_status != PGRES_COMMAND_OK
          && last_status != PGRES_EMPTY_QUERY)) {
    sqlstate_ = sqlstate;
    return describe_error(sqlstate, without_password(std::move(text), handle_.get()), where_, doing);
  }
  return std::move(*last);
}

bool connection::await_input() {
  auto wants = PQflush(handle_.get()) > 0 ? POLLIN | POLLOUT : POLLIN;
  auto ready = pollfd{PQsocket(handle_.get()), static_cast<short>(wants), 0};
  auto limit = static_cast<int>(std::clamp<std::int64_t>(answer_timeout_.count(), 1, 86'400'000));
  auto n = 0;
  do
    n = poll(&ready, 1, limit);
  while (n < 0 && errno == EINTR);
  return n > 0 && PQconsumeInput(handle_.get()) != 0;
}

bool connection::alive() {
  if (!handle_ || PQstatus(handle_.get()) != CONNECTION_OK)
    return false;
  auto said = pollfd{PQsocket(handle_.get()), POLLIN, 0};
  // Reads until nothing is left: behind the farewell of a server stands the end of the stream.
  while (poll(&said, 1, 0) > 0) {
    if (PQconsumeInput(handle_.get()) == 0 || PQstatus(handle_.get()) != CONNECTION_OK)
      return false;
    PQisBusy(handle_.get());
  }
  return PQstatus(handle_.get()) == CONNECTION_OK;
}

failure connection::lost(std::string_view doing) {
  return describe_loss(without_password(PQerrorMessage(handle_.get()), handle_.get()), where_, doing);
}

failure connection::silent(std::string_view doing) {
  auto out = failure{failure_class::outage, where_ + ": could not " + std::string{doing}
                                                + ": no word from the server for "
                                                + std::to_string(answer_timeout_.count())
                                                + " ms; check the network and whether the server hangs"};
  // Nobody knows what the session is still at: it cannot be used any more.
  handle_.reset();
  return out;
}

// -- notifications ------------------------------------------------------------------------------------------

int connection::socket() const {
  return PQsocket(handle_.get());
}

result<void> connection::listen(const std::string& channel) {
  auto* quoted = PQescapeIdentifier(handle_.get(), channel.c_str(), channel.size());
  if (!quoted)
    return lost("listen for notifications");
  auto sql = std::string{"LISTEN "} + quoted;
  PQfreemem(quoted);
  auto done = run(sql, {}, "listen for notifications");
  if (done.has_error())
    return done.error();
  return {};
}

result<std::vector<std::string>> connection::take_notifications() {
  if (!alive())
    return lost("wait for notifications");
  std::vector<std::string> out;
  while (auto* x = PQnotifies(handle_.get())) {
    if (std::ranges::find(out, std::string_view{x->relname}) == out.end())
      out.emplace_back(x->relname);
    PQfreemem(x);
  }
  return out;
}

} // namespace herald::postgres
