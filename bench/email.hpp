// `herald_bench email`: how fast queued e-mails leave, against a provider's limit and without one.
#pragma once

#include <cstddef>
#include <string>

namespace herald::bench {

/// `program` is herald, `provider` the fake Resend; `count` e-mails are sent without a limit, a fifth of them (at least
/// 2000) against 2 requests per second. Prints figures; returns an exit status.
int email(const std::string& program, const std::string& provider, std::size_t count);

} // namespace herald::bench
