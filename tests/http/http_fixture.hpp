// What the tests of the HTTP client share.
#pragma once

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "adapters/http/client.hpp"
#include "tests/fakes/loopback_server.hpp"

namespace herald::test {

/// Long enough for any machine; no test waits for it unless it fails.
inline constexpr std::chrono::milliseconds patience{20'000};

class http_fixture : public testing::Test {
protected:
  http_client_options options_for(const std::string& base_url) const {
    http_client_options out;
    out.base_url = base_url;
    out.user_agent = "herald-test/1";
    return out;
  }

  static std::unique_ptr<http_client> open(const http_client_options& options) {
    auto out = open_http_client(options);
    if (out.has_error())
      throw std::runtime_error(out.error().reason);
    return std::move(*out);
  }

  static http_request get(const std::string& target = "/") { return {"GET", target, {}, {}, false}; }

  static http_request post(const std::string& body, bool repeatable = false) {
    return {"POST", "/x", {}, body, repeatable};
  }

  static void expect_mentions(const std::string& text, const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  }

  static void expect_body(const http_exchange& x, const std::string& body) {
    ASSERT_TRUE(x.response) << x.error;
    EXPECT_EQ(x.response->status, 200);
    EXPECT_EQ(x.response->body, body);
  }

  /// Runs `f` and says how long it took.
  template <class F> static std::chrono::milliseconds time_of(F f) {
    auto start = std::chrono::steady_clock::now();
    f();
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
  }

  /// A server that takes each request and never answers.
  static void stay_silent(conversation& x) {
    while (x.read_request())
      ;
  }

  /// Answers each request with its body.
  static void echo(conversation& x) {
    while (auto request = x.read_request())
      x.answer(200, request->body);
  }

  /// One answer of the given bytes per connection, which then closes.
  static loopback_server::script once(std::string bytes) {
    return [bytes = std::move(bytes)](conversation& x) {
      if (x.read_request())
        x.write(bytes);
    };
  }
};

} // namespace herald::test
