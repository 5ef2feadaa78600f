// A store before a server that the test scripts: what is sent, and what becomes of each kind of answer.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "adapters/store/supabase/supabase_store.hpp"
#include "tests/fakes/loopback_server.hpp"
#include "tests/fakes/supabase_gateway.hpp"
#include "tests/support/store_world.hpp"

namespace herald::test {

/// Long enough for any machine; no test waits for it unless it fails.
inline constexpr std::chrono::milliseconds patience{20'000};

inline void expect_says(const failure& x, std::string_view words) {
  EXPECT_NE(x.reason.find(words), std::string::npos) << x.reason;
}

template <class T> failure error_of(const result<T>& x) {
  if (!x.has_error())
    throw std::runtime_error("the call succeeded");
  return x.error();
}

inline std::unique_ptr<remote_store> open(const supabase_options& x) {
  auto out = open_supabase_store(x);
  if (out.has_error())
    throw std::runtime_error(to_string(out.error()));
  return std::move(*out);
}

inline supabase_options options_for(const std::string& url,
                                    const std::string& key = supabase_gateway::secret_key()) {
  supabase_options out;
  out.url = url;
  out.service_role_key = secret{key};
  return out;
}

/// A service that has Herald's functions. The first call, by which the store looks for them, is answered well; what
/// follows is up to the test.
class scripted_service {
public:
  /// Answers one request; false ends the connection.
  using answerer = std::function<bool(conversation&, const raw_request&)>;

  explicit scripted_service(answerer answer, const std::optional<server_identity>& identity = std::nullopt)
      : answer_{std::move(answer)}, server_{[this](conversation& x) { serve(x); }, identity} {}

  std::string url() const { return server_.base_url(); }
  loopback_server& server() { return server_; }

  /// All but those by which stores looked for Herald's functions.
  std::vector<raw_request> calls() const {
    std::lock_guard guard{mutex_};
    return calls_;
  }

private:
  void serve(conversation& x) {
    while (auto request = x.read_request()) {
      if (request->target.ends_with("/herald_schema_version")) {
        if (!x.answer(200, R"({"result" : 1})", {{"content-type", "application/json; charset=utf-8"}}))
          return;
        continue;
      }
      {
        std::lock_guard guard{mutex_};
        calls_.push_back(*request);
      }
      if (!answer_(x, *request))
        return;
    }
  }

  answerer answer_;
  mutable std::mutex mutex_;
  std::vector<raw_request> calls_;
  loopback_server server_;
};

/// The result of a function that returns `{"result": …}`.
inline scripted_service::answerer always(const std::string& body, int status = 200,
                                         const std::string& type = "application/json; charset=utf-8") {
  return [=](conversation& x, const raw_request&) {
    return x.answer(status, body, {{"content-type", type}});
  };
}

inline release_request one_claim() {
  return {"w", t0, {{1, 2}}};
}

} // namespace herald::test
