// Sends mail through Resend's HTTPS API: https://resend.com/docs/api-reference
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "adapters/http/client.hpp"
#include "adapters/mail/mail_transport.hpp"
#include "messages/failure.hpp"
#include "messages/secret.hpp"
#include "messages/time.hpp"

namespace herald {

struct resend_options {
  std::string base_url = "https://api.resend.com";
  /// `re_…`; one with sending access is enough.
  secret api_key;
  duration connect_timeout{10'000};
  /// For one request as a whole. A batch of 100 mails may take the provider some seconds.
  duration request_timeout{30'000};
  /// PEM file with certificate authorities to trust besides the system's; empty for none.
  std::string ca_file;
};

/// A client that carries the key. Does not connect yet. Fails (permanent) without a key, and on what
/// open_http_client refuses.
result<std::unique_ptr<http_client>> open_resend_client(const resend_options& options);

/// Fails as open_resend_client does.
result<std::unique_ptr<mail_transport>> open_resend_transport(const resend_options& options);

/// What an exchange means as an answer: the body as it is, and the budget where the headers tell it. Headers
/// that are missing or make no sense leave their field empty; waits are cut to a day.
mail_answer to_mail_answer(http_exchange exchange);

} // namespace herald
