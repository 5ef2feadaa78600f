// The HTTP client over TLS: whom it trusts and whom not.
#include <cstdlib>
#include <fstream>

#include "tests/http/http_fixture.hpp"
#include "tests/support/temp_dir.hpp"

namespace herald::test {

namespace {

class http_client_tls : public http_fixture {
protected:
  http_client_options trusting(const std::string& base_url) const {
    auto out = options_for(base_url);
    out.ca_file = ca_file;
    return out;
  }

  void expect_refusal(const http_client_options& options, const std::string& why) const {
    auto answer = open(options)->exchange(post("hunter2", true));
    EXPECT_FALSE(answer.response);
    EXPECT_FALSE(answer.maybe_reached);
    expect_mentions(answer.error, "certificate was refused");
    expect_mentions(answer.error, why);
  }

  temp_dir dir;
  test_authority authority;
  std::string ca_file = authority.write_pem(dir.path() / "ca.pem");
  server_identity local = authority.issue({"DNS:localhost", "IP:127.0.0.1"});
};

} // namespace

TEST_F(http_client_tls, trusts_an_authority_it_was_given_and_keeps_the_connection) {
  std::atomic<bool> asked_by_name = false;
  loopback_server server{[&](conversation& x) {
                           asked_by_name = x.server_name() == "localhost";
                           echo(x);
                         },
                         local};
  auto client = open(trusting(server.base_url()));
  for (auto i = 0; i < 10; ++i)
    expect_body(client->exchange(post(std::to_string(i))), std::to_string(i));
  EXPECT_TRUE(asked_by_name);
  EXPECT_EQ(client->connections_made(), 1U);
}

TEST_F(http_client_tls, checks_an_address_as_it_checks_a_name) {
  loopback_server server{echo, local};
  auto url = "https://127.0.0.1:" + std::to_string(server.port());
  expect_body(open(trusting(url))->exchange(post("a")), "a");
  loopback_server other{echo, authority.issue({"DNS:localhost"})};
  expect_refusal(trusting("https://127.0.0.1:" + std::to_string(other.port())), "IP address mismatch");
}

TEST_F(http_client_tls, refuses_an_authority_it_does_not_know) {
  loopback_server server{echo, local};
  expect_refusal(options_for(server.base_url()), "unable to get local issuer certificate");
  test_authority stranger;
  auto options = options_for(server.base_url());
  options.ca_file = stranger.write_pem(dir.path() / "stranger.pem");
  expect_refusal(options, "certificate");
}

TEST_F(http_client_tls, refuses_the_certificate_of_another_host) {
  for (auto* name : {"DNS:other.test", "DNS:localhost.evil.test", "DNS:*"}) {
    loopback_server server{echo, authority.issue({name})};
    expect_refusal(trusting(server.base_url()), "hostname mismatch");
  }
}

TEST_F(http_client_tls, refuses_a_certificate_that_has_expired) {
  loopback_server server{echo, authority.issue_expired({"DNS:localhost"})};
  expect_refusal(trusting(server.base_url()), "certificate has expired");
}

TEST_F(http_client_tls, adds_to_the_authorities_of_the_system_and_does_not_replace_them) {
  test_authority system;
  // Where OpenSSL looks for the system's authorities.
  setenv("SSL_CERT_FILE", system.write_pem(dir.path() / "system.pem").c_str(), 1);
  loopback_server public_server{echo, system.issue({"DNS:localhost"})};
  loopback_server own_server{echo, local};
  expect_body(open(trusting(public_server.base_url()))->exchange(post("a")), "a");
  expect_body(open(trusting(own_server.base_url()))->exchange(post("a")), "a");
  unsetenv("SSL_CERT_FILE");
}

TEST_F(http_client_tls, refuses_a_file_that_holds_no_authority) {
  auto options = trusting("https://localhost:9");
  options.ca_file = dir.file("empty.pem");
  std::ofstream{options.ca_file} << "nothing\n";
  auto refused = open_http_client(options);
  ASSERT_TRUE(refused.has_error());
  expect_mentions(refused.error().reason, options.ca_file);
}

TEST_F(http_client_tls, gives_up_on_a_handshake_that_does_not_end) {
  // It takes the client's hello and keeps silent.
  loopback_server server{[](conversation& x) { x.wait_for_close(); }};
  auto options = trusting("https://localhost:" + std::to_string(server.port()));
  options.connect_timeout = duration{120};
  auto client = open(options);
  http_exchange answer;
  auto time = time_of([&] { answer = client->exchange(post("a", true)); });
  EXPECT_FALSE(answer.response);
  EXPECT_FALSE(answer.maybe_reached);
  expect_mentions(answer.error, "no connection within 120 ms (shaking hands for TLS)");
  EXPECT_GE(time.count(), 115);
  EXPECT_LT(time.count(), 3'000);
}

TEST_F(http_client_tls, says_that_a_port_does_not_speak_tls) {
  loopback_server server{[](conversation& x) {
    x.write("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n");
    x.wait_for_close();
  }};
  auto answer = open(trusting("https://localhost:" + std::to_string(server.port())))->exchange(get());
  EXPECT_FALSE(answer.response);
  EXPECT_FALSE(answer.maybe_reached);
  expect_mentions(answer.error, "TLS handshake failed");
}

TEST_F(http_client_tls, gives_up_on_a_server_that_does_not_answer) {
  loopback_server server{stay_silent, local};
  auto options = trusting(server.base_url());
  options.request_timeout = duration{500};
  auto answer = open(options)->exchange(post("a", true));
  EXPECT_FALSE(answer.response);
  EXPECT_TRUE(answer.maybe_reached);
  expect_mentions(answer.error, "500 ms");
}

TEST_F(http_client_tls, notices_that_the_server_closed_an_idle_connection) {
  loopback_server server{[&](conversation& x) {
                           auto request = x.read_request();
                           x.answer(200, request ? request->body : "");
                           x.close_by_cut();
                         },
                         local};
  auto client = open(trusting(server.base_url()));
  expect_body(client->exchange(post("a")), "a");
  ASSERT_TRUE(server.wait_for_ended(1, patience));
  expect_body(client->exchange(post("b")), "b");
  EXPECT_EQ(client->connections_made(), 2U);
}

TEST_F(http_client_tls, tells_the_end_of_an_answer_from_a_cut) {
  auto cut = false;
  loopback_server server{[&](conversation& x) {
                           x.read_request();
                           x.write("HTTP/1.0 200 OK\r\n\r\nto the end");
                           if (cut)
                             x.close_by_cut();
                         },
                         local};
  auto client = open(trusting(server.base_url()));
  expect_body(client->exchange(get()), "to the end");
  cut = true;
  auto answer = client->exchange(get());
  EXPECT_FALSE(answer.response);
  EXPECT_TRUE(answer.maybe_reached);
}

TEST_F(http_client_tls, moves_large_bodies_both_ways) {
  loopback_server server{echo, local};
  auto body = std::string(3'000'000, 'b');
  auto client = open(trusting(server.base_url()));
  expect_body(client->exchange(post(body)), body);
  expect_body(client->exchange(post("b")), "b");
  EXPECT_EQ(client->connections_made(), 1U);
}

} // namespace herald::test
