#include "adapters/store/postgres/error_text.hpp"

#include <array>
#include <utility>

namespace herald::postgres {

namespace {

using enum failure_class;

struct verdict {
  std::string_view code; ///< an SQLSTATE, or its first letters
  failure_class kind;
  std::string_view remedy;
};

// The first that fits wins. See "PostgreSQL Error Codes" in its manual.
constexpr std::array verdicts{
    verdict{"08", outage, "check the network and the server"},
    verdict{"25006", outage, "the server takes no writes (a standby, or read-only); connect to the primary"},
    verdict{"26000", outage,
            "a connection pooler mixes up sessions; connect directly or to its session mode"},
    verdict{"28", outage, "check user, password and the server's pg_hba.conf"},
    verdict{"3D000", outage, "check the name of the database"},
    verdict{"40", transient, "another transaction was in the way; another try should succeed"},
    verdict{"42501", outage,
            "the role has no right to this; run herald migrate as the owner, and grant EXECUTE on the "
            "herald_ functions to this role"},
    verdict{"42P05", outage,
            "a connection pooler mixes up sessions; connect directly or to its session mode"},
    verdict{"42", outage, "the database does not have what this program needs; run herald migrate"},
    verdict{"3F000", outage, "the database does not have what this program needs; run herald migrate"},
    verdict{"53100", outage, "the server's disk is full; free space on it"},
    verdict{"53300", outage, "the server has no connection left; raise max_connections or use fewer clients"},
    verdict{"53", outage, "the server is short of memory or another resource"},
    verdict{"55P03", outage, "another program holds a lock; look for it in pg_locks"},
    verdict{
        "57014", transient,
        "it took longer than the statement time-out or somebody cancelled it; make batches smaller or the "
        "time-out longer"},
    verdict{"57P", outage, "the server is starting, stopping or restarting; it should come back by itself"},
    verdict{"58", outage, "the server's system reported an error; look into its log"},
    verdict{"21", permanent, "the request breaks a rule of the database"},
    verdict{"22", permanent, "the request holds a value that the database does not take"},
    verdict{"23", permanent, "the request breaks a rule of the database"},
    verdict{"54", permanent, "the request is larger than the database takes"},
    verdict{"P0", permanent, "the database's function refused the request"},
};

verdict judge(std::string_view sqlstate) {
  for (auto& x : verdicts)
    if (sqlstate.starts_with(x.code))
      return x;
  return {{}, transient, "this is unexpected; if it happens again, report it with this text"};
}

struct hint {
  std::string_view fragment;
  std::string_view remedy;
};

// While a connection is made libpq tells errors by their text alone; where it is translated, the general
// advice has to do.
constexpr std::array hints{
    hint{"password authentication failed", "check user and password"},
    hint{"no password supplied", "the URL has no password, and the server wants one"},
    hint{"no pg_hba.conf entry", "the server does not let this user in from here; check its pg_hba.conf"},
    hint{"role \"", "check the user's name"},
    hint{"database \"", "check the name of the database"},
    hint{"too many clients", "raise max_connections or use fewer clients"},
    hint{"remaining connection slots", "raise max_connections or use fewer clients"},
    hint{"starting up", "it should be ready soon"},
    hint{"shutting down", "it should come back by itself"},
    hint{"closed", "the server ended the connection; the next call opens a new one"},
    hint{"terminat", "somebody ended the connection; the next call opens a new one"},
    hint{"certificate", "check sslmode, sslrootcert and the server's certificate"},
    hint{"SSL", "check sslmode and whether the server offers TLS"},
    hint{"could not translate host name", "check the host's name"},
};

std::string_view advice(std::string_view text) {
  for (auto& x : hints)
    if (text.find(x.fragment) != std::string_view::npos)
      return x.remedy;
  return "check that the server runs, and its host and port";
}

std::string sentence(std::string_view where, std::string_view doing, std::string_view text) {
  return std::string{where}.append(": could not ").append(doing).append(": ").append(one_line(text));
}

} // namespace

failure describe_error(std::string_view sqlstate, std::string_view text, std::string_view where,
                       std::string_view doing) {
  auto known = judge(sqlstate);
  auto reason = sentence(where, doing, text);
  if (!sqlstate.empty())
    reason.append(" (SQLSTATE ").append(sqlstate).append(")");
  return {known.kind, reason.append(": ").append(known.remedy)};
}

failure describe_loss(std::string_view text, std::string_view where, std::string_view doing) {
  return {outage, sentence(where, doing, text).append("; ").append(advice(text))};
}

std::string one_line(std::string_view text) {
  std::string out;
  auto gap = false;
  for (auto c : text) {
    if (c == '\n' || c == '\t' || c == ' ' || c == '\r') {
      gap = !out.empty();
      continue;
    }
    if (std::exchange(gap, false))
      out += ' ';
    out += c;
  }
  return out.empty() ? "no reason was given" : out;
}

} // namespace herald::postgres
