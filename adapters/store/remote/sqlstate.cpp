#include "adapters/store/remote/sqlstate.hpp"

#include <array>

namespace herald::remote {

namespace {

using enum failure_class;
using verdict = sqlstate_verdict;

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

} // namespace

sqlstate_verdict judge_sqlstate(std::string_view sqlstate) {
  for (auto& x : verdicts)
    if (sqlstate.starts_with(x.code))
      return x;
  return {{}, transient, "this is unexpected; if it happens again, report it with this text"};
}

} // namespace herald::remote
