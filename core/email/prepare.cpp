#include "core/email/prepare.hpp"

#include <algorithm>
#include <exception>
#include <iterator>
#include <string>
#include <utility>

#include "core/email/still_true.hpp"
#include "core/world.hpp"

namespace herald {

namespace {

result<email_message> try_render(const render_fn& render, const email_mail& mail, const profile& to,
                                 timestamp now) {
  try {
    return render(mail, to, now);
  } catch (const std::exception& e) {
    return failure{failure_class::crash, std::string{"rendering crashed: "} + e.what()};
  } catch (...) {
    return failure{failure_class::crash, "rendering crashed with an exception of an unknown type"};
  }
}

void end_refused(prepared_mails& prepared, const claimed_outbox& claimed,
                 const std::vector<std::pair<mail_ref, std::string>>& refused) {
  for (auto& [ref, reason] : refused)
    for (auto& x : claimed.mails)
      if (x.ref() == ref)
        for (auto& row : x.mail.rows)
          prepared.ended.push_back({ref, row.id, row_ending::failed, reason});
}

} // namespace

prepared_mails prepare(const claimed_outbox& claimed, const render_fn& render,
                       std::span<const handler_row> table, const handler_settings& settings, timestamp now) {
  prepared_mails out;
  for (auto& x : claimed.mails) {
    auto mail = x.mail;
    std::erase_if(mail.rows, [&](const email_row& row) {
      auto objection = objection_to(row, mail.user_id, *claimed.context, table, settings);
      if (objection)
        out.ended.push_back({x.ref(), row.id, objection->ending, std::move(objection->reason)});
      return objection.has_value();
    });
    if (mail.rows.empty())
      continue;
    auto message = try_render(render, mail, *look_up(claimed.context->world.profiles, mail.user_id), now);
    if (message)
      (mail.lane == email_lane::digest ? out.digests : out.immediate)
          .push_back({x.ref(), x.generation, std::move(*message)});
    else if (message.error().kind == failure_class::outage)
      out.outage = message.error().reason;
    else
      for (auto& row : mail.rows)
        out.ended.push_back({x.ref(), row.id, row_ending::failed, message.error().reason});
  }
  return out;
}

std::vector<envelope_draft> plan_requests(prepared_mails& prepared, const claimed_outbox& claimed,
                                          const seal_limits& limits, std::size_t slots) {
  std::vector<envelope_draft> out;
  for (auto lane : {email_lane::immediate, email_lane::digest}) {
    auto& mails = lane == email_lane::immediate ? prepared.immediate : prepared.digests;
    auto fitting = limits;
    if (!claimed.installation.empty())
      fitting.key_prefix += "/" + claimed.installation;
    if (out.size() + mails.size() > slots)
      fitting.batch_min = 2;
    auto plan = plan_envelopes(mails, lane, fitting);
    end_refused(prepared, claimed, plan.refused);
    std::ranges::move(plan.envelopes, std::back_inserter(out));
  }
  return out;
}

} // namespace herald
