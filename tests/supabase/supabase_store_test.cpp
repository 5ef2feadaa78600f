// The store over a service that the test scripts: how it asks, and what becomes of answers that are late, lost, cut or
// none.
#include <chrono>

#include "tests/supabase/supabase_fixture.hpp"
#include "tests/support/temp_dir.hpp"

namespace herald::test {

namespace {

const auto seven = std::string{R"({"result":7})"};

std::string header(const raw_request& x, std::string_view name) {
  auto* out = x.header(name);
  return out ? *out : "(none)";
}

/// The one call that the service got.
raw_request only_call(const scripted_service& x) {
  auto all = x.calls();
  if (all.size() != 1)
    throw std::runtime_error("expected one call, got " + std::to_string(all.size()));
  return all.front();
}

raw_request call_with(const supabase_options& x, const scripted_service& service) {
  EXPECT_EQ(open(x)->release(one_claim()).value(), 7U);
  return only_call(service);
}

failure refused(const supabase_options& x) {
  return error_of(open_supabase_store(x));
}

// -- what is sent -------------------------------------------------------------------------------------------

TEST(supabase_request, names_the_function_and_carries_the_request_as_its_argument) {
  scripted_service service{always(seven)};
  auto call = call_with(options_for(service.url()), service);
  EXPECT_EQ(call.method, "POST");
  EXPECT_EQ(call.target, "/rest/v1/rpc/herald_release");
  EXPECT_EQ(call.body,
            R"({"request":{"worker":"w","now":1768919445000,"claims":[{"event_id":1,"claim_no":2}]}})");
  EXPECT_EQ(header(call, "content-type"), "application/json");
  EXPECT_EQ(header(call, "content-profile"), "public");
  EXPECT_TRUE(header(call, "user-agent").starts_with("herald/")) << header(call, "user-agent");
}

TEST(supabase_request, carries_a_token_as_key_and_as_bearer) {
  scripted_service service{always(seven)};
  auto key = supabase_gateway::token("service_role");
  auto call = call_with(options_for(service.url(), key), service);
  EXPECT_EQ(header(call, "apikey"), key);
  EXPECT_EQ(header(call, "authorization"), "Bearer " + key);
}

TEST(supabase_request, carries_a_secret_key_as_key_alone) {
  scripted_service service{always(seven)};
  auto call = call_with(options_for(service.url()), service);
  EXPECT_EQ(header(call, "apikey"), supabase_gateway::secret_key());
  EXPECT_EQ(header(call, "authorization"), "(none)");
}

TEST(supabase_request, has_the_bearer_that_the_options_ask_for) {
  scripted_service service{always(seven)};
  auto x = options_for(service.url());
  x.bearer = true;
  EXPECT_EQ(header(call_with(x, service), "authorization"), "Bearer " + supabase_gateway::secret_key());
  scripted_service other{always(seven)};
  x = options_for(other.url(), supabase_gateway::token("service_role"));
  x.bearer = false;
  EXPECT_EQ(header(call_with(x, other), "authorization"), "(none)");
}

TEST(supabase_request, finds_the_interface_whether_or_not_the_address_names_it) {
  for (auto [path, target] : {std::pair{"/", "/rest/v1/rpc/herald_release"},
                              {"/rest/v1", "/rest/v1/rpc/herald_release"},
                              {"/rest/v1/", "/rest/v1/rpc/herald_release"},
                              {"/supabase", "/supabase/rest/v1/rpc/herald_release"}}) {
    scripted_service service{always(seven)};
    EXPECT_EQ(call_with(options_for(service.url() + path), service).target, target);
  }
}

TEST(supabase_request, of_many_calls_go_over_one_connection) {
  scripted_service service{always(seven)};
  auto store = open(options_for(service.url()));
  for (auto i = 0; i < 10; ++i)
    EXPECT_EQ(store->release(one_claim()).value(), 7U);
  EXPECT_EQ(service.server().connections(), 1U);
}

// -- opening ------------------------------------------------------------------------------------------------

TEST(supabase_open, refuses_an_address_that_cannot_work) {
  for (auto [url, words] : {std::pair{"", "write https://PROJECT.supabase.co"},
                            {"project.supabase.co", "starts with neither https:// nor http://"},
                            {"http://project.supabase.co", "unencrypted"},
                            {"https://user@host", "(not shown)"}}) {
    auto why = refused(options_for(url));
    EXPECT_EQ(why.kind, failure_class::permanent) << url;
    expect_says(why, words);
  }
}

TEST(supabase_open, refuses_a_key_for_browsers_without_sending_it) {
  scripted_service service{always(seven)};
  for (auto& key : {supabase_gateway::publishable_key(), supabase_gateway::token("anon")}) {
    auto why = refused(options_for(service.url(), key));
    EXPECT_EQ(why.kind, failure_class::permanent);
    expect_says(why, "for browsers");
  }
  EXPECT_EQ(service.server().connections(), 0U);
}

TEST(supabase_open, refuses_a_key_with_a_line_break_and_does_not_show_it) {
  auto why = refused(options_for("https://localhost:1", "sb_secret_abc\ndef"));
  EXPECT_EQ(why.kind, failure_class::permanent);
  EXPECT_EQ(why.reason.find("abc"), std::string::npos) << why.reason;
}

TEST(supabase_open, is_an_outage_where_nobody_listens) {
  std::string url;
  {
    scripted_service service{always(seven)};
    url = service.url();
  }
  auto why = refused(options_for(url));
  EXPECT_EQ(why.kind, failure_class::outage);
  expect_says(why, "could not call herald_schema_version");
  expect_says(why, "cannot connect");
}

TEST(supabase_open, tells_a_database_without_a_version_to_migrate) {
  for (auto body : {R"({"result" : null})", "null", "[]", "not json"}) {
    loopback_server server{[=](conversation& x) {
      while (x.read_request())
        if (!x.answer(200, body, {{"content-type", "application/json"}}))
          return;
    }};
    auto why = refused(options_for(server.base_url()));
    EXPECT_EQ(why.kind, failure_class::outage) << body;
    expect_says(why, "run herald migrate");
  }
}

TEST(supabase_open, hides_a_key_that_the_service_repeats) {
  loopback_server server{[](conversation& x) {
    while (auto request = x.read_request())
      if (!x.answer(401, R"({"message":"Invalid API key )" + *request->header("apikey") + R"("})"))
        return;
  }};
  auto why = refused(options_for(server.base_url()));
  EXPECT_EQ(why.kind, failure_class::outage);
  expect_says(why, "Invalid API key ***");
}

TEST(supabase_open, speaks_tls_only_to_whom_it_trusts) {
  test_authority authority;
  temp_dir files;
  scripted_service service{always(seven), authority.issue({"DNS:localhost"})};
  auto x = options_for(service.url());
  auto why = refused(x);
  EXPECT_EQ(why.kind, failure_class::outage);
  expect_says(why, "certificate was refused");
  x.ca_file = authority.write_pem(files.file("ca.pem"));
  EXPECT_EQ(open(x)->release(one_claim()).value(), 7U);
}

// -- answers ------------------------------------------------------------------------------------------------

TEST(supabase_answer, may_come_in_chunks) {
  scripted_service service{[](conversation& x, const raw_request&) {
    return x.write("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
                   "4\r\n{\"re\r\n8\r\nsult\":7}\r\n0\r\n\r\n");
  }};
  auto store = open(options_for(service.url()));
  EXPECT_EQ(store->release(one_claim()).value(), 7U);
  EXPECT_EQ(store->release(one_claim()).value(), 7U);
  EXPECT_EQ(service.server().connections(), 1U);
}

TEST(supabase_answer, that_is_null_or_empty_is_no_result) {
  for (auto bytes : {"HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
                     "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 4\r\n\r\nnull"}) {
    scripted_service service{[=](conversation& x, const raw_request&) { return x.write(bytes); }};
    auto store = open(options_for(service.url()));
    EXPECT_FALSE(store->record_supervision({}).has_error()) << bytes;
    auto why = error_of(store->release(one_claim()));
    EXPECT_EQ(why.kind, failure_class::transient) << bytes;
    expect_says(why, "no JSON");
  }
}

TEST(supabase_answer, that_is_a_page_is_an_outage) {
  scripted_service service{always("<html>log in</html>", 200, "text/html")};
  auto why = error_of(open(options_for(service.url()))->release(one_claim()));
  EXPECT_EQ(why.kind, failure_class::outage);
  expect_says(why, "check the address");
}

TEST(supabase_answer, beyond_the_limit_is_refused_and_the_next_call_goes_on) {
  scripted_service service{[n = 0](conversation& x, const raw_request&) mutable {
    return x.answer(200, n++ == 0 ? "[" + std::string(5'000, '1') + "]" : seven,
                    {{"content-type", "application/json"}});
  }};
  auto x = options_for(service.url());
  x.max_response_bytes = 1'000;
  auto store = open(x);
  auto why = error_of(store->release(one_claim()));
  EXPECT_EQ(why.kind, failure_class::transient);
  expect_says(why, "larger than the limit of 1000 bytes; make batches smaller");
  EXPECT_EQ(store->release(one_claim()).value(), 7U);
}

TEST(supabase_answer, that_does_not_come_is_given_up_at_the_deadline) {
  scripted_service service{[n = 0](conversation& x, const raw_request&) mutable {
    if (n++ > 0)
      return x.answer(200, seven);
    x.wait_for_close();
    return false;
  }};
  auto x = options_for(service.url());
  x.answer_timeout = std::chrono::milliseconds{300};
  auto store = open(x);
  auto why = error_of(store->release(one_claim()));
  EXPECT_EQ(why.kind, failure_class::outage);
  expect_says(why, "no complete answer within 300 ms");
  EXPECT_EQ(service.calls().size(), 1U);
  EXPECT_EQ(store->release(one_claim()).value(), 7U);
}

// -- connections --------------------------------------------------------------------------------------------

TEST(supabase_connection, that_the_service_closed_in_between_is_replaced_unnoticed) {
  scripted_service service{[](conversation& x, const raw_request&) {
    x.answer(200, seven);
    return false;
  }};
  auto store = open(options_for(service.url()));
  for (std::size_t i = 1; i <= 3; ++i) {
    EXPECT_EQ(store->release(one_claim()).value(), 7U);
    ASSERT_TRUE(service.server().wait_for_ended(i, patience));
  }
  EXPECT_EQ(service.calls().size(), 3U);
}

TEST(supabase_connection, that_ends_without_an_answer_is_an_outage_and_nothing_is_sent_again) {
  for (auto rough : {false, true}) {
    scripted_service service{[=](conversation& x, const raw_request&) {
      if (rough)
        x.close_by_reset();
      return false;
    }};
    auto store = open(options_for(service.url()));
    auto why = error_of(store->release(one_claim()));
    EXPECT_EQ(why.kind, failure_class::outage);
    EXPECT_EQ(service.calls().size(), 1U);
    // Neither on a fresh connection.
    EXPECT_EQ(error_of(store->release(one_claim())).kind, failure_class::outage);
    EXPECT_EQ(service.calls().size(), 2U);
  }
}

TEST(supabase_connection, that_is_cut_inside_an_answer_is_an_outage) {
  scripted_service service{[](conversation& x, const raw_request&) {
    x.write("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 12\r\n\r\n{\"resu");
    return false;
  }};
  EXPECT_EQ(error_of(open(options_for(service.url()))->release(one_claim())).kind, failure_class::outage);
  EXPECT_EQ(service.calls().size(), 1U);
}

TEST(supabase_connection, survives_refusals_which_are_not_repeated) {
  for (auto status : {401, 404, 429, 500, 503, 520, 544}) {
    scripted_service service{always(R"({"message":"no"})", status)};
    auto store = open(options_for(service.url()));
    EXPECT_TRUE(store->release(one_claim()).has_error());
    EXPECT_EQ(service.calls().size(), 1U) << status;
    EXPECT_TRUE(store->release(one_claim()).has_error());
    EXPECT_EQ(service.server().connections(), 1U) << status;
  }
}

} // namespace

} // namespace herald::test
