// What each kind of answer means: its class decides whether anything is retried, counted or given up.
#include <array>
#include <string>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "adapters/store/supabase/error_text.hpp"

namespace herald::test {

namespace {

using supabase::call_site;
using supabase::refusal_of;
using enum failure_class;

const secret key{"sb_secret_0123456789"};

http_response answer(int status, const std::string& body,
                     const std::string& type = "application/json; charset=utf-8") {
  return {status, {{"Content-Type", type}}, body};
}

std::optional<failure> refusal(const http_response& x) {
  return refusal_of(x, call_site{"Supabase at https://p.supabase.co/rest/v1", "herald_claim", key});
}

failure failure_of(const http_response& x) {
  auto out = refusal(x);
  if (!out)
    throw std::runtime_error("taken for a result");
  return *out;
}

void expect_says(const failure& x, std::string_view words) {
  EXPECT_NE(x.reason.find(words), std::string::npos) << x.reason;
}

void expect_silent_about(const failure& x, std::string_view words) {
  EXPECT_EQ(x.reason.find(words), std::string::npos) << x.reason;
}

// -- the table ----------------------------------------------------------------------------------------------

struct refused_answer {
  int status;
  /// As PostgREST 12 gave it; other versions differ in words.
  const char* body;
  failure_class kind;
  const char* words;
};

constexpr std::array postgrest_answers{
    refused_answer{
        503,
        R"({"code":"PGRST000","details":"connection to server failed: Connection refused\n","hint":null,)"
        R"("message":"Database connection error. Retrying the connection."})",
        outage,
        "Retrying the connection.: connection to server failed: Connection refused (HTTP 503, PGRST000): "
        "the REST interface cannot reach the database"},
    refused_answer{503,
                   R"({"code":"PGRST001","details":"no connection to the server\n","hint":null,)"
                   R"("message":"Database client error. Retrying the connection."})",
                   outage, "cannot reach the database"},
    refused_answer{503,
                   R"({"code":"PGRST002","message":"Could not query the database for the schema cache."})",
                   outage, "cannot reach the database"},
    refused_answer{504,
                   R"({"code":"PGRST003","details":null,"hint":null,)"
                   R"("message":"Timed out acquiring connection from connection pool."})",
                   outage, "no free connection"},
    refused_answer{400, R"({"code":"PGRST102","message":"Empty or invalid json"})", permanent,
                   "not taken for JSON"},
    refused_answer{406, R"({"code":"PGRST106","message":"The schema must be one of the following: api"})",
                   outage, "add the schema public"},
    refused_answer{415, R"({"code":"PGRST107","message":"None of these media types are available"})",
                   transient, "unexpected"},
    refused_answer{
        404,
        R"({"code":"PGRST202","details":"Searched for ...","hint":null,"message":"Could not find the )"
        R"(function public.herald_claim(request) in the schema cache"})",
        outage, "in the schema cache (HTTP 404, PGRST202): the database lacks a function"},
    refused_answer{300, R"({"code":"PGRST203","message":"Could not choose the best candidate function"})",
                   outage, "run herald migrate"},
    refused_answer{404, R"({"code":"PGRST205","message":"Could not find the table"})", outage,
                   "run herald migrate"},
    refused_answer{404, R"({"code":"42P01","message":"relation \"public.nope\" does not exist"})", outage,
                   "run herald migrate"},
    refused_answer{500, R"({"code":"PGRST300","message":"Server lacks JWT secret"})", outage, "jwt-secret"},
    refused_answer{
        401, R"({"code":"PGRST301","message":"JWSError JWSInvalidSignature"})", outage,
        "JWSInvalidSignature (HTTP 401, PGRST301): the key is not, or no longer, one of this project"},
    refused_answer{401, R"({"code":"PGRST302","message":"Anonymous access is disabled"})", outage,
                   "the key is not"},
    refused_answer{401, R"({"code":"PGRST303","message":"JWT expired"})", outage, "JWT expired"},
    refused_answer{500, R"({"code":"PGRSTX00","message":"Internal"})", transient, "unexpected"},
    // The same without a login and with one.
    refused_answer{401, R"({"code":"42501","message":"permission denied for function herald_claim"})", outage,
                   "use the secret key or the service_role key, and run herald migrate as the owner"},
    refused_answer{403, R"({"code":"42501","message":"permission denied for table domain_events"})", outage,
                   "table domain_events (HTTP 403, 42501)"},
    refused_answer{405, R"({"code":"25006","message":"cannot execute UPDATE in a read-only transaction"})",
                   outage, "when its disk is full"},
    refused_answer{500, R"({"code":"57014","message":"canceling statement due to statement timeout"})",
                   transient, "make batches smaller"},
    refused_answer{500, R"({"code":"40P01","message":"deadlock detected"})", transient,
                   "another try should succeed"},
    refused_answer{500, R"({"code":"40001","message":"could not serialize access"})", transient,
                   "another try"},
    refused_answer{500, R"({"code":"55P03","message":"canceling statement due to lock timeout"})", outage,
                   "holds a lock"},
    refused_answer{503, R"({"code":"53300","message":"too many clients already"})", outage,
                   "larger instance"},
    refused_answer{503, R"({"code":"57P01","message":"terminating connection"})", outage,
                   "come back by itself"},
    refused_answer{503, R"({"code":"08006","message":"connection failure"})", outage, "check the network"},
    refused_answer{400, R"({"code":"P0001","details":"d","hint":"h","message":"I refuse"})", permanent,
                   "I refuse (h) (HTTP 400, P0001): the database's function refused"},
    refused_answer{400, R"({"code":"22P02","message":"invalid input syntax"})", permanent, "does not take"},
    refused_answer{409, R"({"code":"23505","message":"duplicate key value"})", permanent, "breaks a rule"},
    refused_answer{409, R"({"code":"23503","message":"violates foreign key constraint"})", permanent,
                   "breaks a rule"},
    refused_answer{409, R"({"code":"PT409","message":"lease lost"})", transient, "lease lost"},
    refused_answer{500, R"({"code":"XX000","message":"internal error"})", transient, "internal error"},
};

constexpr auto error_page = "<!DOCTYPE html>\n<html><head><title>520</title></head></html>";

constexpr std::array gateway_answers{
    refused_answer{
        401, R"({"message":"No API key found in request","hint":"No `apikey` request header was found."})",
        outage, "No API key found in request (No `apikey` request header was found.) (HTTP 401): the key is"},
    refused_answer{401, "", outage, "no reason was given (HTTP 401): the key is not"},
    refused_answer{401, R"({"error":"invalid key"})", outage, "invalid key"},
    refused_answer{401, R"({"msg":"Unauthorized"})", outage, "Unauthorized"},
    refused_answer{402, R"({"message":"exceed_egress_quota"})", outage, "restricted"},
    refused_answer{403, "Forbidden", outage, "network restrictions"},
    refused_answer{404, error_page, outage, "no REST interface at this address"},
    refused_answer{408, "", outage, "pass by itself"},
    refused_answer{413, error_page, transient, "make batches smaller"},
    refused_answer{418, "teapot", transient, "teapot (HTTP 418): this is unexpected"},
    refused_answer{429, R"({"message":"rate limit"})", outage, "poll less often"},
    refused_answer{500, R"({"message":"An unexpected error occurred"})", outage, "status.supabase.com"},
    refused_answer{502, error_page, outage, "a page for people came back (HTTP 502)"},
    refused_answer{503, "upstream connect error", outage,
                   "upstream connect error (HTTP 503): it should come back"},
    refused_answer{504, "", outage, "come back by itself"},
    refused_answer{520, error_page, outage, "come back by itself"},
    refused_answer{522, "error code: 522", outage, "error code: 522"},
    refused_answer{540, "", outage, "resume it"},
    refused_answer{544, "", outage, "may have been carried out"},
    refused_answer{200, error_page, outage, "no answer of PostgREST"},
    refused_answer{600, "", transient, "unexpected"},
};

TEST(supabase_errors, of_postgrest_have_their_class_and_remedy) {
  for (auto& x : postgrest_answers) {
    auto why = failure_of(answer(x.status, x.body));
    EXPECT_EQ(why.kind, x.kind) << x.body;
    expect_says(why, x.words);
    expect_says(why, "Supabase at https://p.supabase.co/rest/v1: could not call herald_claim: ");
  }
}

TEST(supabase_errors, of_the_gateway_and_the_edge_have_their_class_and_remedy) {
  for (auto& x : gateway_answers) {
    auto why = failure_of(answer(x.status, x.body, x.body[0] == '{' ? "application/json" : "text/html"));
    EXPECT_EQ(why.kind, x.kind) << x.status << x.body;
    expect_says(why, x.words);
  }
}

TEST(supabase_errors, a_redirect_says_where_to) {
  auto why = failure_of({308, {{"Location", "https://other.example/rest"}}, ""});
  EXPECT_EQ(why.kind, outage);
  expect_says(why, "redirected to https://other.example/rest (HTTP 308)");
}

TEST(supabase_errors, a_result_is_no_error) {
  EXPECT_FALSE(refusal(answer(200, "{}")));
  EXPECT_FALSE(refusal(answer(200, R"({"code":"PGRST000"})")));
  EXPECT_FALSE(refusal({200, {}, "{}"}));
  EXPECT_FALSE(refusal({204, {}, ""}));
}

// -- what must not be said ----------------------------------------------------------------------------------

TEST(supabase_errors, details_that_may_hold_rows_are_left_out) {
  auto why = failure_of(answer(
      409,
      R"({"code":"23505","details":"Key (email)=(ada@acme.org) already exists.","message":"duplicate key"})"));
  expect_silent_about(why, "ada@acme.org");
}

TEST(supabase_errors, a_key_that_comes_back_is_hidden) {
  auto text = std::string{key.reveal()};
  for (auto& body :
       {R"({"message":"bad key )" + text + R"("})", R"({"message":"x","code":")" + text + R"("})",
        R"({"message":"x","hint":"not )" + text + R"("})", "plain " + text})
    expect_silent_about(failure_of(answer(401, body)), text);
}

TEST(supabase_errors, are_one_line_of_bounded_length) {
  auto why = failure_of(answer(500, R"({"message":"a\nb\tc\u0000 )" + std::string(10'000, 'x') + R"("})"));
  expect_says(why, "a b c");
  EXPECT_EQ(why.reason.find('\n'), std::string::npos);
  EXPECT_LT(why.reason.size(), 700U);
}

RC_GTEST_PROP(supabase_errors, come_of_anything_that_is_answered, ()) {
  auto status = *rc::gen::inRange(100, 1000);
  auto body =
      *rc::gen::oneOf(rc::gen::arbitrary<std::string>(),
                      rc::gen::element<std::string>("[]", "null", "7", R"({"code":7,"message":[]})",
                                                    R"({"code":null,"hint":{}})", "{", R"("\ud800")"));
  auto why =
      refusal(answer(status, body, *rc::gen::element<std::string>("application/json", "text/html", "")));
  if (status / 100 != 2)
    RC_ASSERT(why.has_value());
  if (why) {
    RC_ASSERT(!why->reason.empty());
    RC_ASSERT(why->kind != permanent);
  }
}

// -- no answer ----------------------------------------------------------------------------------------------

TEST(supabase_errors, no_answer_is_an_outage) {
  http_exchange x;
  x.error = "POST https://p.supabase.co/rest/v1/rpc/herald_claim: cannot connect: refused";
  x.maybe_reached = true;
  auto why = supabase::describe_loss(x, {"unused", "herald_claim", key});
  EXPECT_EQ(why.kind, outage);
  EXPECT_EQ(why.reason, "Supabase: could not call herald_claim: " + x.error);
}

TEST(supabase_errors, an_answer_beyond_the_limit_asks_for_smaller_batches) {
  http_exchange x;
  x.error = "the server's answer is larger than the limit of 10 bytes";
  x.oversized = true;
  auto why = supabase::describe_loss(x, {"unused", "herald_claim", key});
  EXPECT_EQ(why.kind, transient);
  expect_says(why, "make batches smaller");
}

} // namespace

} // namespace herald::test
