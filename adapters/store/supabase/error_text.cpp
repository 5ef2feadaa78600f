#include "adapters/store/supabase/error_text.hpp"

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

#include "adapters/http/without_secret.hpp"
#include "adapters/store/remote/sqlstate.hpp"
#include "core/text.hpp"

namespace herald::supabase {

namespace {

using nlohmann::json;
using enum failure_class;

constexpr std::size_t max_text = 300;

// -- verdicts -----------------------------------------------------------------------------------------------

struct code_verdict {
  /// PostgREST's own, or an SQLSTATE; or the first letters of those it stands for.
  std::string_view code;
  failure_class kind;
  std::string_view remedy;
};

constexpr auto bad_key =
    "the key is not, or no longer, one of this project; copy the secret key or the service_role key "
    "from its API settings";
constexpr auto unexpected = "this is unexpected; if it happens again, report it with this text";

// The first that fits wins. What stands not here is judged as PostgreSQL's. See "Errors" in PostgREST's manual.
constexpr std::array by_code{
    code_verdict{
        "PGRST003", outage,
        "the REST interface has no free connection to the database; it should pass by itself, else use fewer "
        "daemons or raise its pool size"},
    code_verdict{
        "PGRST0", outage,
        "the REST interface cannot reach the database; it should come back by itself, else look at the "
        "project's dashboard"},
    code_verdict{"PGRST102", permanent, "the request is not taken for JSON"},
    code_verdict{"PGRST106", outage, "add the schema public to those the project's API settings expose"},
    code_verdict{"PGRST1", transient, unexpected},
    code_verdict{"PGRST202", outage,
                 "the database lacks a function that this version of Herald calls; run herald migrate (if "
                 "that was just "
                 "done: NOTIFY pgrst, 'reload schema')"},
    code_verdict{"PGRST2", outage, "the database does not have what this program needs; run herald migrate"},
    code_verdict{"PGRST300", outage,
                 "the REST interface has no secret to check keys with; set its jwt-secret"},
    code_verdict{"PGRST3", outage, bad_key},
    code_verdict{"PGRST", transient, unexpected},
    code_verdict{
        "25006", outage,
        "the database takes no writes; Supabase makes it so when its disk is full: free space or enlarge it"},
    code_verdict{"42501", outage,
                 "the key's role has no right to this; use the secret key or the service_role key, and run "
                 "herald migrate "
                 "as the owner, which grants what that role needs"},
    code_verdict{"53300", outage,
                 "the database has no connection left; use fewer clients or a larger instance"},
    code_verdict{"57014", transient,
                 "it took longer than the database allows (8 s unless the role says otherwise) or somebody "
                 "cancelled it; "
                 "make batches smaller, or ALTER ROLE service_role SET statement_timeout"},
};

struct status_verdict {
  int first;
  int last;
  failure_class kind;
  std::string_view remedy;
};

// For what the gateway or the edge says, which has no code.
constexpr std::array by_status{
    status_verdict{200, 299, outage,
                   "that is no answer of PostgREST; check the address and for a proxy on the way to it"},
    status_verdict{300, 399, outage, "the address is another one by now; configure that"},
    status_verdict{401, 401, outage, bad_key},
    status_verdict{402, 402, outage,
                   "the project is restricted, for its use or an open bill; look at its dashboard"},
    status_verdict{403, 403, outage, "check the key and the project's network restrictions"},
    status_verdict{404, 404, outage, "there is no REST interface at this address; check it"},
    status_verdict{408, 408, outage, "it should pass by itself"},
    status_verdict{413, 413, transient, "the request is larger than the gateway takes; make batches smaller"},
    status_verdict{
        429, 429, outage,
        "there were too many requests; it should pass by itself, else use fewer daemons or poll less often"},
    status_verdict{400, 499, transient, unexpected},
    status_verdict{540, 540, outage, "the project is paused; resume it in its dashboard"},
    status_verdict{544, 544, outage,
                   "the gateway waited too long, the call may have been carried out; make batches smaller if "
                   "this repeats"},
    status_verdict{
        500, 599, outage,
        "it should come back by itself, else look at the project's dashboard and status.supabase.com"},
};

struct verdict {
  failure_class kind = transient;
  std::string_view remedy = unexpected;
};

bool is_sqlstate(std::string_view code) {
  return code.size() == 5 && std::ranges::all_of(code, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
         });
}

verdict judge(int status, std::string_view code) {
  for (auto& x : by_code)
    if (code.starts_with(x.code))
      return {x.kind, x.remedy};
  if (is_sqlstate(code)) {
    auto known = remote::judge_sqlstate(code);
    return {known.kind, known.remedy};
  }
  for (auto& x : by_status)
    if (status >= x.first && status <= x.last)
      return {x.kind, x.remedy};
  return {};
}

// -- what was said ------------------------------------------------------------------------------------------

std::string text_at(const json& object, const char* key) {
  auto i = object.is_object() ? object.find(key) : object.end();
  return i != object.end() && i->is_string() ? i->get<std::string>() : std::string{};
}

bool is_json(const http_response& x) {
  auto* type = x.header("content-type");
  return !type || type->find("json") != std::string::npos;
}

/// The server's own words.
std::string words_of(const http_response& x, const json& body, std::string_view code) {
  auto out = text_at(body, "message");
  // The gateways of a self-hosted installation differ in this.
  for (auto key : {"msg", "error_description", "error"})
    if (out.empty())
      out = text_at(body, key);
  // Elsewhere they may repeat what stands in rows.
  if (auto details = text_at(body, "details"); code.starts_with("PGRST0") && !details.empty())
    out += ": " + details;
  if (auto hint = text_at(body, "hint"); !hint.empty())
    out += " (" + hint + ")";
  if (!out.empty())
    return out;
  if (auto* to = x.header("location"); x.status / 100 == 3 && to)
    return "redirected to " + *to;
  if (x.body.empty())
    return "no reason was given";
  if (x.body.find("<html") != std::string::npos || x.body.find("<HTML") != std::string::npos)
    return "a page for people came back";
  return x.body.substr(0, max_text);
}

std::string could_not(std::string_view where, std::string_view function) {
  return std::string{where}.append(": could not call ").append(function).append(": ");
}

} // namespace

std::optional<failure> refusal_of(const http_response& answer, const call_site& site) {
  if (answer.status / 100 == 2 && (answer.body.empty() || is_json(answer)))
    return std::nullopt;
  auto body = json::parse(answer.body, nullptr, false);
  auto code = text_at(body, "code");
  auto known = judge(answer.status, code);
  auto reason = could_not(site.where, site.function);
  reason += one_line(without_secret(words_of(answer, body, code), site.key), max_text);
  reason += " (HTTP " + std::to_string(answer.status);
  if (!code.empty())
    reason += ", " + one_line(without_secret(code, site.key), 20);
  return failure{known.kind, reason.append("): ").append(known.remedy)};
}

failure describe_loss(const http_exchange& x, const call_site& site) {
  // The client says where.
  auto reason = could_not("Supabase", site.function) + x.error;
  // The next answer would be as large: no wait helps, a smaller batch does.
  if (x.oversized)
    return {transient, reason + "; make batches smaller or the limit larger"};
  return {outage, std::move(reason)};
}

} // namespace herald::supabase
