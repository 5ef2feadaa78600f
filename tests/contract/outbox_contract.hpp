// Fixture and vocabulary of the outbox suite; stores join it as they join store_contract.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/contract/store_contract.hpp"

namespace herald::test {

class outbox_contract : public store_contract {
protected:
  /// One event whose plan queues the given e-mails.
  std::int64_t queue(std::vector<uuid> immediate, std::vector<uuid> aggregated = {},
                     std::string_view type = "document_uploaded") {
    emit_plain(1, type);
    auto event = claim_one("writer");
    commit({email_plan(event, std::move(immediate), std::move(aggregated))}, {}, "writer");
    return event.event.id;
  }

  outbox_claim_request asking(std::uint32_t mails, std::string_view worker = "worker-1") const {
    outbox_claim_request out;
    out.worker = std::string{worker};
    out.now = now;
    out.lease = std::chrono::seconds{60};
    out.envelopes = 10;
    out.max_open = 10;
    out.mails = mails;
    return out;
  }

  claimed_outbox take(std::uint32_t mails = 100, std::string_view worker = "worker-1") {
    return value_of(store.outbox.claim_outbox(asking(mails, worker)));
  }

  window_report open_window() { return value_of(store.outbox.open_window({now, now})); }

  static envelope_draft draft_of(const std::vector<claimed_mail>& mails, std::string key = {}) {
    envelope_draft out;
    for (auto& x : mails) {
      out.mails.push_back(x.ref());
      out.lane = x.mail.lane;
      out.idempotency_key += "/" + std::to_string(x.mail.id) + "-" + std::to_string(x.generation);
    }
    if (!key.empty())
      out.idempotency_key = std::move(key);
    out.endpoint = mails.size() == 1 ? email_endpoint::single : email_endpoint::batch;
    out.body = "{\"bytes\":\"of " + out.idempotency_key + "\"}";
    return out;
  }

  sealed_batch seal(std::vector<envelope_draft> drafts, std::vector<ended_row> ended = {},
                    std::string_view worker = "worker-1") {
    return value_of(store.outbox.seal(
        {std::string{worker}, now, std::chrono::seconds{60}, std::move(ended), std::move(drafts)}));
  }

  /// Claims everything and seals it as one envelope.
  sealed_envelope seal_all() {
    auto sealed = seal({draft_of(take().mails)});
    EXPECT_EQ(sealed.envelopes.size(), 1u);
    return *sealed.envelopes.at(0);
  }

  record_report record(envelope_outcome x, std::string_view worker = "worker-1", bool purge = true) {
    return value_of(store.outbox.record({std::string{worker}, now, {std::move(x)}, purge}));
  }

  static envelope_outcome accepted(const sealed_envelope& x) {
    auto out = outcome(x, envelope_fate::settled);
    for (auto id : x.mail_ids)
      out.mails.push_back({id, "re_" + std::to_string(id), {}});
    return out;
  }

  static envelope_outcome outcome(const sealed_envelope& x, envelope_fate fate) {
    envelope_outcome out;
    out.envelope_id = x.id;
    out.claim_no = x.claim_no;
    out.fate = fate;
    return out;
  }

  outbox_summary outbox() {
    auto out = value_of(store.operations.summarize_outbox());
    EXPECT_TRUE(out.adds_up());
    return out;
  }

  std::vector<std::string> statuses() {
    std::vector<std::string> out;
    for (auto& x : backend->emails())
      out.push_back(x.status);
    return out;
  }
};

} // namespace herald::test
