// What Resend says of a sender's domain: https://resend.com/docs/api-reference/domains/list-domains
#pragma once

#include <string>

#include "adapters/mail/resend_transport.hpp"
#include "core/doctor.hpp"

namespace herald {

/// Asks with the key of the options, within their deadlines. A key that may only send, the better one for a daemon, is
/// not let in: that is an answer too. `domain` in lower case. Does not throw.
sender_facts ask_resend_about(const std::string& domain, const resend_options& options);

} // namespace herald
