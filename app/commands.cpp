#include "app/commands.hpp"

#include <fstream>
#include <iostream>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "app/command_output.hpp"
#include "app/event_feed.hpp"
#include "app/reports.hpp"
#include "app/terminal_text.hpp"
#include "core/payload.hpp"

namespace herald {

namespace {

/// Reads the events of the arguments; says what is wrong and returns nothing if anything is.
std::optional<std::vector<new_event>> read_events(const emit_arguments& args) {
  if (args.file.empty()) {
    auto event = event_from_options(args.type, args.fields, args.payload);
    if (event)
      return std::vector<new_event>{std::move(*event)};
    fail(event.error().reason);
    return std::nullopt;
  }
  event_feed feed;
  if (args.file == "-") {
    feed = read_event_feed(std::cin, "(standard input)");
  } else {
    std::ifstream in{args.file, std::ios::binary};
    if (!in) {
      fail("cannot read '" + printable(args.file) + "'; check that the file exists and may be read");
      return std::nullopt;
    }
    feed = read_event_feed(in, args.file);
  }
  for (auto& error : feed.errors)
    fmt::print(stderr, "{}\n", error);
  if (feed.errors_left_out > 0)
    fmt::print(stderr, "and {} more errors\n", feed.errors_left_out);
  if (!feed.errors.empty()) {
    fail("nothing was emitted; mend the lines above and try again");
    return std::nullopt;
  }
  return std::move(feed.events);
}

std::string restarts_text(const std::vector<stage_restarts>& restarts) {
  if (restarts.empty())
    return "restarts: none\n";
  std::string out = "restarts:\n";
  for (auto& x : restarts)
    out += fmt::format("  {}/{}: {}, last {}: {}\n", printable(x.supervisor), printable(x.child), x.restarts,
                       to_iso8601(x.last_at), printable(x.last_reason, 200));
  return out;
}

json_object restarts_json(const stage_restarts& x) {
  json_object out;
  out.set("supervisor", x.supervisor).set("child", x.child).set("last_reason", x.last_reason);
  out.set("restarts", static_cast<std::int64_t>(x.restarts)).set("last_at", to_iso8601(x.last_at));
  return out;
}

} // namespace

int emit_events(const configuration& cfg, const clock& time, const emit_arguments& args, bool json) {
  auto events = read_events(args);
  if (!events)
    return exit_code::usage;
  if (cfg.dry_run) {
    print_line(fmt::format("dry run, nothing was written; would have appended {} events", events->size()));
    return exit_code::ok;
  }
  auto store = open_store(cfg.store, true);
  if (!store)
    return fail(store.error().reason);
  auto ids = (*store)->insert_events(*events, time.now());
  if (!ids)
    return fail(ids.error().reason);
  if (json)
    print_line(fmt::format("{{\"event_ids\":[{}]}}", fmt::join(*ids, ",")));
  else if (ids->size() == 1)
    print_line(fmt::format("event {}", ids->front()));
  else if (!ids->empty())
    print_line(fmt::format("{} events, ids {} to {}", ids->size(), ids->front(), ids->back()));
  else
    print_line("no events");
  return exit_code::ok;
}

int print_status(const configuration& cfg, const clock& time, bool json) {
  auto code = exit_code::ok;
  auto store = open_existing(cfg, code);
  if (!store)
    return code;
  auto now = time.now();
  auto status = store->status(now, cfg.poller.max_event_age);
  if (!status)
    return fail(status.error().reason);
  auto restarts = store->restarts();
  if (!restarts)
    return fail(restarts.error().reason);
  auto outbox = store->summarize_outbox();
  if (!outbox)
    return fail(outbox.error().reason);
  if (!json) {
    print_line(status_text(*status, now) + outbox_text(*outbox) + restarts_text(*restarts));
    return exit_code::ok;
  }
  auto out = payload::parse(status_json(*status));
  std::vector<json_object> list;
  for (auto& x : *restarts)
    list.push_back(restarts_json(x));
  json_object whole;
  auto mail = payload::parse(outbox_json(*outbox));
  whole.set("events", out ? *out : payload{}).set("emails", mail ? *mail : payload{});
  whole.set("restarts", list).set("now", to_iso8601(now));
  print_line(whole.str());
  return exit_code::ok;
}

int explain_event(const configuration& cfg, std::int64_t event_id, bool json) {
  auto code = exit_code::ok;
  auto store = open_existing(cfg, code);
  if (!store)
    return code;
  auto found = store->explain(event_id);
  if (!found)
    return fail(found.error().reason);
  if (!*found)
    return fail(fmt::format("there is no event {} in '{}'", event_id, printable(cfg.store.sqlite.path)));
  print_line(json ? explanation_json(**found) : explanation_text(**found));
  return exit_code::ok;
}

int handle_dead_letters(const configuration& cfg, const clock& time, const dead_arguments& args, bool json) {
  auto code = exit_code::ok;
  auto store = open_existing(cfg, code);
  if (!store)
    return code;
  if (args.action == dead_action::list) {
    auto letters = store->dead_letters(args.limit);
    if (!letters)
      return fail(letters.error().reason);
    print_line(json ? dead_letters_json(*letters) : dead_letters_text(*letters));
    return exit_code::ok;
  }
  // An empty list means "all" to the store, so it must never come from a forgotten argument.
  if (args.event_ids.empty() && !args.all)
    return fail("name the events, or say --all", exit_code::usage);
  auto retry = args.action == dead_action::retry;
  if (cfg.dry_run) {
    print_line(fmt::format("dry run, nothing was written; would have {} {}", retry ? "retried" : "dropped",
                           args.all ? std::string{"every dead letter"}
                                    : fmt::format("events {}", fmt::join(args.event_ids, ", "))));
    return exit_code::ok;
  }
  auto ids = args.all ? std::vector<std::int64_t>{} : args.event_ids;
  auto done = retry ? store->retry_dead(ids, time.now()) : store->drop_dead(ids, time.now());
  if (!done)
    return fail(done.error().reason);
  print_line(json ? fmt::format("{{\"{}\":{}}}", retry ? "retried" : "dropped", *done)
                  : fmt::format("{} dead letters {}", *done, retry ? "are claimable again" : "dropped"));
  // A named event that is no dead letter is a mistake of the caller's worth a non-zero status.
  return args.all || *done == ids.size() ? exit_code::ok : exit_code::failed;
}

} // namespace herald
