// The e-mail half of app/commands.hpp: previews, and mails that wait for a person.
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "app/command_output.hpp"
#include "app/commands.hpp"
#include "app/mail_setup.hpp"
#include "app/terminal_text.hpp"
#include "core/email/samples.hpp"
#include "core/payload.hpp"
#include "core/world.hpp"

namespace herald {

namespace {

struct preview_source {
  email_mail mail;
  profile to;
  timestamp now{};
};

result<preview_source> row_source(const configuration& cfg, std::int64_t row, timestamp now) {
  auto store = open_store(cfg.store, false);
  if (!store)
    return store.error();
  auto found = (*store)->read_mail(row, now);
  if (!found)
    return found.error();
  if (!*found)
    return failure{failure_class::permanent,
                   fmt::format("there is no e-mail {} in '{}'", row, printable(describe(cfg.store)))};
  auto& mail = (*found)->mails.front().mail;
  auto* to = look_up((*found)->context->world.profiles, mail.user_id);
  if (!to)
    return failure{failure_class::permanent, fmt::format("e-mail {} goes to nobody: its user is gone", row)};
  return preview_source{mail, *to, now};
}

json_object message_json(const email_message& x) {
  json_object headers;
  for (auto& [name, value] : x.headers)
    headers.set(name, value);
  json_object out;
  out.set("from", x.from).set("to", x.to).set("subject", x.subject);
  out.set("html", x.html).set("text", x.text);
  auto parsed = payload::parse(headers.str());
  out.set("headers", parsed ? *parsed : payload{});
  return out;
}

/// Writes through a temporary name, so that a reader never sees half a file.
bool write_file(const std::string& path, const std::string& text) {
  auto part = path + ".part";
  {
    auto out = std::ofstream{part, std::ios::binary};
    out << text;
    out.close();
    if (!out)
      return false;
  }
  return std::rename(part.c_str(), path.c_str()) == 0;
}

json_object stuck_json(const stuck_mail& x) {
  json_object out;
  out.set("mail_id", x.mail_id).set("user_id", x.user_id).set("state", x.state).set("lane", x.lane);
  out.set("rows", fmt::format("{}", fmt::join(x.row_ids, ",")));
  out.set("reason", x.reason).set("at", to_iso8601(x.at));
  return out;
}

} // namespace

int preview_mail(const configuration& cfg, const clock& time, const preview_arguments& args, bool json) {
  auto source =
      args.row
          ? row_source(cfg, *args.row, time.now())
          : result<preview_source>{preview_source{sample_mail(args.name), sample_profile(), sample_time()}};
  if (!source)
    return fail(source.error().reason);
  auto render = make_renderer(cfg);
  if (!render)
    return fail(render.error().reason, exit_code::usage);
  auto message = (*render)(source->mail, source->to, source->now);
  if (!message)
    return fail(message.error().reason);
  auto& part = args.text ? message->text : message->html;
  if (!args.out.empty()) {
    if (!write_file(args.out, part))
      return fail("cannot write '" + printable(args.out) + "'; name a file in a writable directory");
    fmt::print(stderr, "subject: {}\nwritten to {}\n", printable(message->subject), printable(args.out));
    return exit_code::ok;
  }
  auto text = json ? message_json(*message).str() + "\n" : part;
  std::fwrite(text.data(), 1, text.size(), stdout);
  return exit_code::ok;
}

int handle_stuck_mails(const configuration& cfg, const clock& time, const mail_arguments& args, bool json) {
  auto code = exit_code::ok;
  auto store = open_existing(cfg, code);
  if (!store)
    return code;
  if (args.action == mail_action::list) {
    auto mails = store->stuck_mails(args.limit);
    if (!mails)
      return fail(mails.error().reason);
    std::string out = json ? "[" : mails->empty() ? "no mail waits for a person\n" : "";
    for (auto& x : *mails)
      out += json
                 ? (out.size() > 1 ? "," : "") + stuck_json(x).str()
                 : fmt::format("mail {}  {} {}\n  rows          {}\n  since         {}\n  reason        {}\n",
                               x.mail_id, x.lane, x.state, fmt::join(x.row_ids, ", "), to_iso8601(x.at),
                               printable(x.reason, 500));
    std::fputs((out + (json ? "]\n" : "")).c_str(), stdout);
    return exit_code::ok;
  }
  auto resend = args.action == mail_action::resend;
  // An empty list means "all failed" to the store, so it must never come from a forgotten argument.
  if (args.mail_ids.empty() && !(resend && args.all_failed))
    return fail(resend ? "name the mails, or say --all-failed" : "name the mails", exit_code::usage);
  if (cfg.dry_run) {
    fmt::print("dry run, nothing was written; would have {} mails {}\n", resend ? "sent again" : "dropped",
               args.mail_ids.empty() ? std::string{"that failed"}
                                     : fmt::format("{}", fmt::join(args.mail_ids, ", ")));
    return exit_code::ok;
  }
  auto done =
      resend ? store->resend_mails(args.mail_ids, time.now()) : store->drop_mails(args.mail_ids, time.now());
  if (!done)
    return fail(done.error().reason);
  if (json)
    fmt::print("{{\"{}\":{}}}\n", resend ? "resent" : "dropped", *done);
  else
    fmt::print("{} mails {}\n", *done, resend ? "are on their way again" : "dropped");
  return args.mail_ids.empty() || *done == args.mail_ids.size() ? exit_code::ok : exit_code::failed;
}

} // namespace herald
