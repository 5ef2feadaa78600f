#include "adapters/store/postgres/error_text.hpp"

#include <array>
#include <utility>

#include "adapters/store/remote/sqlstate.hpp"

namespace herald::postgres {

namespace {

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
    hint{"certificate",
         "check sslmode, sslrootcert and the server's certificate; a server on another machine has to "
         "show one that this system trusts, unless the URL says otherwise (sslmode=require asks for TLS "
         "and looks at no certificate)"},
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
  auto known = remote::judge_sqlstate(sqlstate);
  auto reason = sentence(where, doing, text);
  if (!sqlstate.empty())
    reason.append(" (SQLSTATE ").append(sqlstate).append(")");
  return {known.kind, reason.append(": ").append(known.remedy)};
}

failure describe_loss(std::string_view text, std::string_view where, std::string_view doing) {
  return {failure_class::outage, sentence(where, doing, text).append("; ").append(advice(text))};
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
