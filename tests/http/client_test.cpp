// The HTTP client against servers that behave and servers that do not, without TLS.
#include <array>
#include <mutex>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/http/http_fixture.hpp"

namespace herald::test {

namespace {

class http_client_plain : public http_fixture {};

/// A port whose queue of connections is full: further ones get no answer at all.
class clogged_port {
public:
  clogged_port() : listener_{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)} {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(listener_, 0) != 0
        || getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0)
      throw std::runtime_error("cannot listen");
    port_ = ntohs(address.sin_port);
    for (auto& x : fillers_) {
      x = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
      connect(x, reinterpret_cast<sockaddr*>(&address), size);
    }
  }

  ~clogged_port() {
    close(listener_);
    for (auto x : fillers_)
      close(x);
  }

  clogged_port(const clogged_port&) = delete;
  clogged_port& operator=(const clogged_port&) = delete;

  std::string base_url() const { return "http://127.0.0.1:" + std::to_string(port_); }

private:
  int listener_;
  std::array<int, 4> fillers_{};
  std::uint16_t port_ = 0;
};

} // namespace

// -- requests --------------------------------------------------------------------------------------------------

TEST_F(http_client_plain, sends_what_it_is_given_and_its_own_headers) {
  std::vector<raw_request> seen;
  loopback_server server{[&](conversation& x) {
    while (auto request = x.read_request()) {
      seen.push_back(*request);
      x.answer(201, "made", {{"X-Thing", "a"}, {"x-thing", "b"}});
    }
  }};
  auto options = options_for(server.base_url() + "/api/");
  options.secret_headers.emplace_back("Authorization", secret{"Bearer k"});
  auto client = open(options);
  auto answer =
      client->exchange({"POST", "/emails?a=1", {{"Content-Type", "application/json"}}, "{\"a\":1}", false});
  ASSERT_TRUE(answer.response) << answer.error;
  EXPECT_EQ(answer.response->status, 201);
  EXPECT_EQ(answer.response->body, "made");
  ASSERT_NE(answer.response->header("X-THING"), nullptr);
  EXPECT_EQ(*answer.response->header("X-THING"), "a");
  EXPECT_EQ(answer.response->header("absent"), nullptr);
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].method, "POST");
  EXPECT_EQ(seen[0].target, "/api/emails?a=1");
  EXPECT_EQ(seen[0].body, "{\"a\":1}");
  std::vector<std::pair<std::string, std::string>> headers{
      {"Host", "127.0.0.1:" + std::to_string(server.port())},
      {"User-Agent", "herald-test/1"},
      {"Accept", "*/*"},
      {"Authorization", "Bearer k"},
      {"Content-Type", "application/json"},
      {"Content-Length", "7"}};
  EXPECT_EQ(seen[0].headers, headers);
}

TEST_F(http_client_plain, sends_a_length_with_an_empty_post_and_none_with_a_get) {
  std::vector<raw_request> seen;
  loopback_server server{[&](conversation& x) {
    while (auto request = x.read_request()) {
      seen.push_back(*request);
      x.answer(200, "");
    }
  }};
  auto client = open(options_for(server.base_url()));
  expect_body(client->exchange(post("")), "");
  expect_body(client->exchange(get()), "");
  ASSERT_EQ(seen.size(), 2U);
  ASSERT_NE(seen[0].header("content-length"), nullptr);
  EXPECT_EQ(*seen[0].header("content-length"), "0");
  EXPECT_EQ(seen[1].header("content-length"), nullptr);
}

TEST_F(http_client_plain, refuses_requests_that_could_smuggle_lines) {
  std::atomic<int> requests = 0;
  loopback_server server{[&](conversation& x) {
    while (x.read_request()) {
      ++requests;
      x.answer(200, "");
    }
  }};
  auto client = open(options_for(server.base_url()));
  std::vector<http_request> bad{{"GET", "/", {{"X", "a\r\nEvil: hunter2"}}, {}, false},
                                {"GET", "/", {{"X", "hunter2\n"}}, {}, false},
                                {"GET", "/", {{"X", std::string{"hunter2\0", 8}}}, {}, false},
                                {"GET", "/", {{"X\r\nEvil", "hunter2"}}, {}, false},
                                {"GET", "/", {{"", "hunter2"}}, {}, false},
                                {"GET", "/", {{"X Y", "hunter2"}}, {}, false},
                                {"GET", "/a b", {}, {}, false},
                                {"GET", "/\r\nEvil: 1", {}, {}, false},
                                {"GET", "http://elsewhere/", {}, {}, false},
                                {"GET", "", {}, {}, false},
                                {"GE T", "/", {}, {}, false},
                                {"", "/", {}, {}, false},
                                {"CONNECT", "/", {}, {}, false},
                                {"GET", "/", {{"host", "hunter2"}}, {}, false},
                                {"GET", "/", {{"Content-length", "7"}}, {}, false},
                                {"GET", "/", {{"Transfer-Encoding", "chunked"}}, {}, false}};
  for (auto& x : bad) {
    auto answer = client->exchange(x);
    EXPECT_FALSE(answer.response);
    EXPECT_FALSE(answer.maybe_reached);
    expect_mentions(answer.error, "was not sent");
    EXPECT_EQ(answer.error.find("hunter2"), std::string::npos) << answer.error;
  }
  EXPECT_EQ(requests, 0);
  expect_body(client->exchange(get()), "");
}

TEST_F(http_client_plain, refuses_options_that_cannot_work) {
  auto refusal = [&](auto change) {
    auto options = options_for("http://127.0.0.1:9");
    change(options);
    auto out = open_http_client(options);
    return out.has_error() ? out.error().reason : std::string{};
  };
  expect_mentions(refusal([](auto& x) { x.base_url = "nonsense"; }), "nonsense");
  expect_mentions(refusal([](auto& x) { x.base_url = "http://a.b"; }), "unencrypted");
  expect_mentions(refusal([](auto& x) { x.user_agent = ""; }), "user agent");
  expect_mentions(refusal([](auto& x) { x.ca_file = "/nonexistent.pem"; }), "/nonexistent.pem");
  expect_mentions(refusal([](auto& x) { x.request_timeout = duration{0}; }), "timeout");
  auto secret_line =
      refusal([](auto& x) { x.secret_headers.emplace_back("Authorization", secret{"hunter2\n"}); });
  expect_mentions(secret_line, "Authorization");
  EXPECT_EQ(secret_line.find("hunter2"), std::string::npos) << secret_line;
  EXPECT_EQ(refusal([](auto& x) {
              x.base_url = "http://a.b";
              x.allow_plaintext = true;
            }),
            "");
}

// -- keeping and losing connections ------------------------------------------------------------------------------

TEST_F(http_client_plain, uses_one_connection_for_many_exchanges) {
  loopback_server server{echo};
  auto client = open(options_for(server.base_url()));
  for (auto i = 0; i < 20; ++i)
    expect_body(client->exchange(post(std::to_string(i))), std::to_string(i));
  EXPECT_EQ(client->connections_made(), 1U);
  EXPECT_EQ(server.connections(), 1U);
}

TEST_F(http_client_plain, notices_that_the_server_closed_an_idle_connection) {
  loopback_server server{[](conversation& x) {
    if (auto request = x.read_request())
      x.answer(200, request->body);
  }};
  auto client = open(options_for(server.base_url()));
  for (auto i = 1U; i <= 3; ++i) {
    // Not repeatable: it must not have been sent into the closed connection at all.
    expect_body(client->exchange(post("a")), "a");
    ASSERT_TRUE(server.wait_for_ended(i, patience));
  }
  EXPECT_EQ(client->connections_made(), 3U);
}

TEST_F(http_client_plain, sends_a_repeatable_request_again_when_a_kept_connection_ends_without_an_answer) {
  std::atomic<int> requests = 0;
  loopback_server server{[&](conversation& x) {
    // The first connection takes a second request and closes: the race that a client cannot see coming.
    for (auto i = 0; auto request = x.read_request(); ++i) {
      ++requests;
      if (x.number() == 0 && i == 1)
        return;
      x.answer(200, request->body);
    }
  }};
  auto client = open(options_for(server.base_url()));
  expect_body(client->exchange(post("a")), "a");
  expect_body(client->exchange(post("b", true)), "b");
  EXPECT_EQ(requests, 3);
  EXPECT_EQ(client->connections_made(), 2U);
}

TEST_F(http_client_plain, never_repeats_a_request_that_may_have_been_processed_by_itself) {
  std::atomic<int> requests = 0;
  loopback_server server{[&](conversation& x) {
    for (auto i = 0; x.read_request(); ++i) {
      ++requests;
      if (i == 1)
        return;
      x.answer(200, "");
    }
  }};
  auto client = open(options_for(server.base_url()));
  expect_body(client->exchange(post("a")), "");
  auto lost = client->exchange(post("b"));
  EXPECT_FALSE(lost.response);
  EXPECT_TRUE(lost.maybe_reached);
  expect_mentions(lost.error, "without an answer");
  EXPECT_EQ(requests, 2);
}

TEST_F(http_client_plain, repeats_at_most_once) {
  std::atomic<int> requests = 0;
  loopback_server server{[&](conversation& x) {
    for (auto i = 0; x.read_request(); ++i) {
      ++requests;
      if (x.number() > 0 || i > 0)
        return;
      x.answer(200, "");
    }
  }};
  auto client = open(options_for(server.base_url()));
  expect_body(client->exchange(post("a")), "");
  EXPECT_TRUE(client->exchange(post("b", true)).maybe_reached);
  EXPECT_EQ(requests, 3);
}

TEST_F(http_client_plain, does_not_repeat_once_an_answer_has_begun) {
  std::atomic<int> requests = 0;
  loopback_server server{[&](conversation& x) {
    for (auto i = 0; x.read_request(); ++i) {
      ++requests;
      if (i == 1) {
        x.write("HTTP/1.1 2");
        return;
      }
      x.answer(200, "");
    }
  }};
  auto client = open(options_for(server.base_url()));
  expect_body(client->exchange(post("a")), "");
  expect_mentions(client->exchange(post("b", true)).error, "ended inside the server's answer");
  EXPECT_EQ(requests, 2);
}

TEST_F(http_client_plain, does_not_repeat_on_a_fresh_connection) {
  std::atomic<int> requests = 0;
  loopback_server server{[&](conversation& x) {
    if (x.read_request())
      ++requests;
    x.close_by_reset();
  }};
  auto client = open(options_for(server.base_url()));
  EXPECT_TRUE(client->exchange(post("b", true)).maybe_reached);
  EXPECT_EQ(requests, 1);
}

TEST_F(http_client_plain, does_not_use_a_connection_that_was_idle_for_too_long) {
  loopback_server server{echo};
  auto options = options_for(server.base_url());
  options.idle_timeout = duration{0};
  auto client = open(options);
  expect_body(client->exchange(post("a")), "a");
  expect_body(client->exchange(post("b")), "b");
  EXPECT_EQ(client->connections_made(), 2U);
}

TEST_F(http_client_plain, does_not_take_unasked_bytes_for_the_next_answer) {
  loopback_server server{[](conversation& x) {
    while (x.read_request())
      x.write(
          "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\naHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil");
  }};
  auto client = open(options_for(server.base_url()));
  expect_body(client->exchange(get()), "a");
  expect_body(client->exchange(get()), "a");
  EXPECT_EQ(client->connections_made(), 2U);
}

// -- deadlines ---------------------------------------------------------------------------------------------------

TEST_F(http_client_plain, gives_up_on_a_server_that_does_not_answer) {
  loopback_server server{stay_silent};
  auto options = options_for(server.base_url());
  options.request_timeout = duration{120};
  auto client = open(options);
  http_exchange answer;
  auto time = time_of([&] { answer = client->exchange(post("a", true)); });
  EXPECT_FALSE(answer.response);
  EXPECT_TRUE(answer.maybe_reached);
  expect_mentions(answer.error, "120 ms");
  expect_mentions(answer.error, server.base_url());
  EXPECT_GE(time.count(), 115);
  EXPECT_LT(time.count(), 3'000);
  EXPECT_EQ(server.connections(), 1U);
}

TEST_F(http_client_plain, does_not_repeat_after_its_deadline) {
  loopback_server server{[](conversation& x) {
    while (auto request = x.read_request())
      if (request->body != "silence")
        x.answer(200, request->body);
  }};
  auto options = options_for(server.base_url());
  options.request_timeout = duration{500};
  auto client = open(options);
  expect_body(client->exchange(post("a")), "a");
  auto answer = client->exchange(post("silence", true));
  EXPECT_TRUE(answer.maybe_reached);
  expect_mentions(answer.error, "no complete answer within 500 ms");
  EXPECT_EQ(client->connections_made(), 1U);
}

TEST_F(http_client_plain, holds_its_deadline_over_an_answer_that_trickles) {
  std::promise<void> over;
  auto end = over.get_future();
  loopback_server server{[&](conversation& x) {
    x.read_request();
    x.write("HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n");
    // Each byte comes well before a limit per read would strike.
    while (x.write("a") && end.wait_for(std::chrono::milliseconds{10}) != std::future_status::ready)
      ;
  }};
  auto options = options_for(server.base_url());
  options.request_timeout = duration{150};
  auto client = open(options);
  http_exchange answer;
  auto time = time_of([&] { answer = client->exchange(get()); });
  over.set_value();
  EXPECT_FALSE(answer.response);
  EXPECT_LT(time.count(), 3'000);
}

TEST_F(http_client_plain, gives_up_on_a_connection_that_does_not_come_about) {
  clogged_port port;
  auto options = options_for(port.base_url());
  options.connect_timeout = duration{120};
  auto client = open(options);
  http_exchange answer;
  auto time = time_of([&] { answer = client->exchange(post("a", true)); });
  EXPECT_FALSE(answer.response);
  EXPECT_FALSE(answer.maybe_reached);
  expect_mentions(answer.error, "no connection within 120 ms (connecting)");
  EXPECT_GE(time.count(), 115);
  EXPECT_LT(time.count(), 3'000);
}

TEST_F(http_client_plain, does_not_reuse_a_connection_whose_answer_may_still_come) {
  std::promise<void> late;
  auto answer_now = late.get_future();
  loopback_server server{[&](conversation& x) {
    x.read_request();
    if (x.number() == 0) {
      answer_now.wait();
      x.answer(200, "late");
    } else {
      x.answer(200, "right");
    }
  }};
  auto options = options_for(server.base_url());
  options.request_timeout = duration{1'000};
  options.connect_timeout = duration{900};
  auto client = open(options);
  EXPECT_FALSE(client->exchange(get()).response);
  late.set_value();
  expect_body(client->exchange(get()), "right");
}

TEST_F(http_client_plain, says_that_nobody_listens) {
  std::string base_url;
  {
    loopback_server server{echo};
    base_url = server.base_url();
  }
  auto answer = open(options_for(base_url))->exchange(get("/a?token=hunter2"));
  EXPECT_FALSE(answer.response);
  EXPECT_FALSE(answer.maybe_reached);
  expect_mentions(answer.error, "GET " + base_url + "/a: cannot connect: ");
  EXPECT_EQ(answer.error.find("hunter2"), std::string::npos) << answer.error;
}

TEST_F(http_client_plain, shows_another_target_where_the_real_one_tells_about_a_person) {
  std::string base_url;
  {
    loopback_server server{echo};
    base_url = server.base_url();
  }
  auto request = get("/of/anna@example.org/list");
  request.shown_target = "/of/…/list";
  auto answer = open(options_for(base_url))->exchange(request);
  expect_mentions(answer.error, "GET " + base_url + "/of/…/list: cannot connect: ");
  EXPECT_EQ(answer.error.find("anna"), std::string::npos) << answer.error;
}

TEST_F(http_client_plain, says_that_a_name_does_not_exist) {
  auto options = options_for("https://no-such-host.invalid");
  auto answer = open(options)->exchange(get());
  EXPECT_FALSE(answer.response);
  EXPECT_FALSE(answer.maybe_reached);
  expect_mentions(answer.error, "no-such-host.invalid");
}

// -- answers -----------------------------------------------------------------------------------------------------

TEST_F(http_client_plain, reads_chunked_answers_and_keeps_the_connection) {
  loopback_server server{[](conversation& x) {
    while (x.read_request()) {
      x.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4;ext=1\r\nWiki\r\n");
      x.write("5\r\npe");
      x.write("dia\r\n0\r\nTrailer: x\r\n\r\n");
    }
  }};
  auto client = open(options_for(server.base_url()));
  expect_body(client->exchange(get()), "Wikipedia");
  expect_body(client->exchange(get()), "Wikipedia");
  EXPECT_EQ(client->connections_made(), 1U);
}

TEST_F(http_client_plain, reads_answers_that_end_with_the_connection) {
  for (auto* head : {"HTTP/1.0 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n",
                     "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n"}) {
    loopback_server server{once(head + std::string{"to the end"})};
    auto client = open(options_for(server.base_url()));
    expect_body(client->exchange(get()), "to the end");
    expect_body(client->exchange(get()), "to the end");
    EXPECT_EQ(client->connections_made(), 2U);
  }
}

TEST_F(http_client_plain, does_not_wait_for_the_end_of_a_connection_after_a_whole_answer) {
  loopback_server server{[](conversation& x) {
    while (x.read_request())
      x.write("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 1\r\n\r\na");
  }};
  auto client = open(options_for(server.base_url()));
  expect_body(client->exchange(get()), "a");
  expect_body(client->exchange(get()), "a");
  EXPECT_EQ(client->connections_made(), 2U);
}

TEST_F(http_client_plain, knows_answers_without_a_body) {
  loopback_server server{[](conversation& x) {
    while (auto request = x.read_request())
      x.write(request->method == "HEAD" ? "HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n"
                                        : "HTTP/1.1 204 No Content\r\n\r\n");
  }};
  auto client = open(options_for(server.base_url()));
  auto head = client->exchange({"HEAD", "/", {}, {}, false});
  ASSERT_TRUE(head.response) << head.error;
  EXPECT_EQ(head.response->body, "");
  auto none = client->exchange({"DELETE", "/", {}, {}, false});
  ASSERT_TRUE(none.response) << none.error;
  EXPECT_EQ(none.response->status, 204);
  EXPECT_EQ(client->connections_made(), 1U);
}

TEST_F(http_client_plain, skips_interim_answers) {
  loopback_server server{once("HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
                              "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na")};
  expect_body(open(options_for(server.base_url()))->exchange(get()), "a");
}

TEST_F(http_client_plain, bounds_interim_answers) {
  std::string hints;
  for (auto i = 0; i < 100; ++i)
    hints += "HTTP/1.1 103 Early Hints\r\n\r\n";
  loopback_server server{once(hints)};
  expect_mentions(open(options_for(server.base_url()))->exchange(get()).error, "interim");
}

TEST_F(http_client_plain, refuses_an_answer_that_is_too_large) {
  auto big = std::string(2'000, 'x');
  for (auto& bytes :
       {"HTTP/1.1 200 OK\r\ncontent-length: 2000\r\n\r\n" + big,
        "HTTP/1.1 200 OK\r\ncontent-length: 20000000000\r\n\r\n" + big, "HTTP/1.1 200 OK\r\n\r\n" + big,
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n7d0\r\n" + big + "\r\n0\r\n\r\n"}) {
    loopback_server server{once(bytes)};
    auto options = options_for(server.base_url());
    options.max_response_bytes = 1'000;
    auto answer = open(options)->exchange(get());
    EXPECT_FALSE(answer.response);
    EXPECT_TRUE(answer.maybe_reached);
    EXPECT_TRUE(answer.oversized);
    expect_mentions(answer.error, "limit of 1000 bytes");
  }
}

TEST_F(http_client_plain, accepts_an_answer_of_exactly_the_limit) {
  auto body = std::string(1'000, 'x');
  loopback_server server{[&](conversation& x) {
    x.read_request();
    x.answer(200, body);
  }};
  auto options = options_for(server.base_url());
  options.max_response_bytes = 1'000;
  expect_body(open(options)->exchange(get()), body);
}

TEST_F(http_client_plain, bounds_the_headers_of_an_answer) {
  std::string many = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n";
  for (auto i = 0; i < 200; ++i)
    many += "x: y\r\n";
  loopback_server crowd{once(many + "\r\n")};
  auto crowded = open(options_for(crowd.base_url()))->exchange(get());
  expect_mentions(crowded.error, "more than 128 headers");
  EXPECT_FALSE(crowded.oversized);
  loopback_server giant{once("HTTP/1.1 200 OK\r\nx: " + std::string(200'000, 'y') + "\r\n\r\n")};
  expect_mentions(open(options_for(giant.base_url()))->exchange(get()).error, "larger than 65536 bytes");
}

TEST_F(http_client_plain, says_that_an_answer_is_no_http) {
  for (auto* bytes : {"garbage\r\n\r\n", "\x16\x03\x01 and more of it\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n",
                      "HTTP/9.9 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
                      "HTTP/1.1 200 OK\r\na b: c\r\n\r\n"}) {
    loopback_server server{once(bytes)};
    auto answer = open(options_for(server.base_url()))->exchange(get());
    EXPECT_FALSE(answer.response);
    EXPECT_TRUE(answer.maybe_reached);
    expect_mentions(answer.error, "no valid HTTP");
  }
}

TEST_F(http_client_plain, does_not_take_a_part_for_the_whole) {
  for (auto* bytes : {"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort", "HTTP/1.1 200 OK\r\ncont",
                      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nWiki\r\n"}) {
    loopback_server server{once(bytes)};
    auto answer = open(options_for(server.base_url()))->exchange(get());
    EXPECT_FALSE(answer.response);
    EXPECT_TRUE(answer.maybe_reached);
    expect_mentions(answer.error, "ended inside the server's answer");
  }
}

TEST_F(http_client_plain, follows_no_redirect) {
  loopback_server server{[](conversation& x) {
    while (x.read_request())
      x.answer(302, "", {{"location", "http://127.0.0.1:1/"}});
  }};
  auto answer = open(options_for(server.base_url()))->exchange(get());
  ASSERT_TRUE(answer.response) << answer.error;
  EXPECT_EQ(answer.response->status, 302);
}

TEST_F(http_client_plain, moves_large_bodies_both_ways) {
  loopback_server server{echo};
  auto body = std::string(3'000'000, 'b');
  expect_body(open(options_for(server.base_url()))->exchange(post(body)), body);
}

TEST_F(http_client_plain, closes_its_connection_when_it_ends) {
  loopback_server server{echo};
  auto client = open(options_for(server.base_url()));
  expect_body(client->exchange(post("a")), "a");
  client.reset();
  EXPECT_TRUE(server.wait_for_ended(1, patience));
}

} // namespace herald::test
