#include "messages/outbox.hpp"

namespace herald {

std::string_view to_string(row_ending x) {
  return x == row_ending::skipped ? "skipped" : "failed";
}

std::string_view to_string(envelope_fate x) {
  switch (x) {
  case envelope_fate::settled:
    return "settled";
  case envelope_fate::retry:
    return "retry";
  case envelope_fate::deferred:
    return "deferred";
  case envelope_fate::parked:
    return "parked";
  case envelope_fate::split:
    return "split";
  }
  return "unknown";
}

std::string to_string(const claimed_outbox_ptr& x) {
  return x ? "claimed_outbox(" + std::to_string(x->envelopes.size()) + " envelopes, "
                 + std::to_string(x->mails.size()) + " mails)"
           : "claimed_outbox(null)";
}

std::string to_string(const seal_request_ptr& x) {
  return x ? "seal_request(" + std::to_string(x->envelopes.size()) + " envelopes, "
                 + std::to_string(x->ended.size()) + " ended rows)"
           : "seal_request(null)";
}

std::string to_string(const sealed_batch_ptr& x) {
  return x ? "sealed_batch(" + std::to_string(x->envelopes.size()) + " envelopes)" : "sealed_batch(null)";
}

std::string to_string(const record_request_ptr& x) {
  if (!x)
    return "record_request(null)";
  auto out = std::string{"record_request("};
  for (auto& outcome : x->outcomes)
    out += std::to_string(outcome.envelope_id) + " " + std::string{to_string(outcome.fate)} + ", ";
  if (!x->outcomes.empty())
    out.resize(out.size() - 2);
  return out + ")";
}

record_report& record_report::operator+=(const record_report& x) {
  immediate += x.immediate;
  digests += x.digests;
  merged += x.merged;
  failed += x.failed;
  parked += x.parked;
  retried += x.retried;
  lost += x.lost;
  return *this;
}

} // namespace herald
