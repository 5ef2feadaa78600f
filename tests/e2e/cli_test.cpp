// The command line as people and scripts meet it: exit codes, messages, JSON, dry runs, log lines.
#include <algorithm>
#include <fstream>
#include <regex>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/e2e/herald.hpp"
#include "tests/e2e/prepared_store.hpp"

namespace herald::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using json = nlohmann::json;

void write(const std::string& path, const std::string& text) {
  std::ofstream{path, std::ios::binary} << text;
}

TEST(cli, explains_itself) {
  workplace place;
  auto help = place.start_plain({"--help"}).wait();
  EXPECT_EQ(help.status, 0);
  for (auto command : {"run", "once", "demo", "emit", "check-config", "status", "explain", "dead", "migrate",
                       "doctor", "completion"}) {
    EXPECT_THAT(help.out, HasSubstr(command));
    auto own = place.start_plain({command, "--help"}).wait();
    EXPECT_EQ(own.status, 0) << command;
    EXPECT_THAT(own.out, Not(IsEmpty())) << command;
  }
  EXPECT_THAT(place.start_plain({"--version"}).wait().out, HasSubstr("herald "));
}

TEST(cli, wrong_usage_is_status_2_with_a_suggestion) {
  workplace place;
  auto typo = place.start_plain({"statsu"}).wait();
  EXPECT_EQ(typo.status, 2);
  EXPECT_THAT(typo.err, HasSubstr("did you mean 'status'?"));
  EXPECT_EQ(place.start_plain({}).wait().status, 2);
  EXPECT_EQ(place.start_plain({"explain", "seven"}).wait().status, 2);
  EXPECT_EQ(place.run({"dead", "retry"}).status, 1); // there is no database yet
  EXPECT_EQ(place.run({"emit"}).status, 2);
}

TEST(cli, every_configuration_error_is_reported_at_once_with_its_place) {
  workplace place;
  write(place.file("bad.json"), R"({"poller": {"batch_sise": 1, "poll_min_ms": "soon"}, // oops
    "log": {"level": "LOUD"}})");
  auto result = place.start_plain({"check-config", "--config", place.file("bad.json")}).wait();
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.err, HasSubstr("bad.json"));
  EXPECT_THAT(result.err, HasSubstr("/poller/batch_sise"));
  EXPECT_THAT(result.err, HasSubstr("batch_size"));
  EXPECT_THAT(result.err, HasSubstr("/poller/poll_min_ms"));
  EXPECT_THAT(result.err, HasSubstr("/log/level"));
}

TEST(cli, the_command_line_wins_over_the_environment_and_that_over_the_file) {
  workplace place;
  write(place.file("c.json"), R"({"poller": {"batch_size": 11}, "log": {"level": "ERROR"}})");
  auto effective = [&](std::vector<std::string> extra, child_process::environment env) {
    std::vector<std::string> args{"check-config", "--json", "--config", place.file("c.json")};
    args.insert(args.end(), extra.begin(), extra.end());
    return json::parse(place.run(args, std::move(env)).out)["poller"]["batch_size"].get<int>();
  };
  EXPECT_EQ(effective({}, {}), 11);
  EXPECT_EQ(effective({}, {{"NOTIFY_FANOUT_BATCH_SIZE", "22"}}), 22);
  EXPECT_EQ(effective({"--set", "poller.batch_size=33"}, {{"NOTIFY_FANOUT_BATCH_SIZE", "22"}}), 33);
  write(place.file(".env"), "NOTIFY_FANOUT_BATCH_SIZE=44  # the old files have comments here\n");
  EXPECT_EQ(effective({"--env-file", place.file(".env")}, {}), 44);
  EXPECT_EQ(effective({"--env-file", place.file(".env")}, {{"NOTIFY_FANOUT_BATCH_SIZE", "22"}}), 22);
}

TEST(cli, emit_appends_and_once_notifies_and_explain_tells) {
  workplace place;
  prepare_store(place.database(), 0);
  auto project = *rows_of(place.database(), "SELECT id FROM projects LIMIT 1").begin();
  auto emitted = place.run(
      {"emit", "document_uploaded", "project_id=" + project, "payload.fileName=Rent Roll.xlsx", "--json"});
  ASSERT_EQ(emitted.status, 0) << emitted.err;
  auto id = json::parse(emitted.out)["event_ids"][0].get<std::int64_t>();
  auto once = place.run({"once", "notify-fan-out", "--json"});
  ASSERT_EQ(once.status, 0) << once.err;
  EXPECT_EQ(json::parse(last_line(once.out))["completed"], 1);
  auto chain = place.run({"explain", std::to_string(id)});
  EXPECT_EQ(chain.status, 0);
  EXPECT_THAT(chain.out, HasSubstr("document_uploaded"));
  EXPECT_THAT(chain.out, HasSubstr("notified"));
  auto again = place.run({"once", "notify-fan-out", "--json"});
  EXPECT_EQ(json::parse(last_line(again.out))["completed"], 0);
}

TEST(cli, emit_takes_a_feed_whole_or_not_at_all) {
  workplace place;
  write(place.file("good.jsonl"),
        "# two events\n{\"event_type\":\"a\"}\n\n{\"event_type\":\"b\",\"payload\":{}}\n");
  write(place.file("bad.jsonl"), "{\"event_type\":\"a\"}\n{\"event_typ\":\"b\"}\n{\"event_type\":\"B!\"}\n");
  auto bad = place.run({"emit", "--file", place.file("bad.jsonl")});
  EXPECT_EQ(bad.status, 2);
  EXPECT_THAT(bad.err, HasSubstr("bad.jsonl:2"));
  EXPECT_THAT(bad.err, HasSubstr("bad.jsonl:3"));
  EXPECT_EQ(place.run({"emit", "--file", place.file("good.jsonl")}).status, 0);
  EXPECT_EQ(rows_of(place.database(), "SELECT event_type FROM domain_events"),
            (std::multiset<std::string>{"a", "b"}));
}

TEST(cli, dead_letters_are_listed_retried_and_dropped) {
  workplace place;
  // A known type without its required fields.
  ASSERT_EQ(place.run({"emit", "meeting_invited"}).status, 0);
  ASSERT_EQ(place.run({"emit", "meeting_invited"}).status, 0);
  ASSERT_EQ(place.run({"once", "notify-fan-out"}).status, 0);
  auto list = place.run({"dead", "list", "--json"});
  ASSERT_EQ(list.status, 0) << list.err;
  auto letters = json::parse(list.out);
  ASSERT_EQ(letters.size(), 2u);
  EXPECT_EQ(letters[0]["kind"], "permanent");
  EXPECT_THAT(letters[0]["reason"].get<std::string>(), HasSubstr("meeting_id"));
  EXPECT_EQ(place.run({"dead", "retry"}).status, 2);
  EXPECT_EQ(place.run({"dead", "retry", "999"}).status, 1);
  EXPECT_EQ(place.run({"dead", "retry", "1"}).status, 0);
  EXPECT_EQ(json::parse(place.run({"dead", "list", "--json"}).out).size(), 1u);
  EXPECT_EQ(place.run({"dead", "drop", "--all"}).status, 0);
  EXPECT_EQ(json::parse(place.run({"dead", "list", "--json"}).out).size(), 0u);
  EXPECT_THAT(place.run({"explain", "2"}).out, HasSubstr("dropped"));
}

TEST(cli, commands_on_a_database_that_is_not_there_say_so) {
  workplace place;
  for (std::vector<std::string> args :
       {std::vector<std::string>{"status"}, {"explain", "1"}, {"dead", "list"}}) {
    auto result = place.run(args);
    EXPECT_EQ(result.status, 1);
    EXPECT_THAT(result.err, HasSubstr("herald.db"));
  }
}

TEST(cli, a_dry_run_writes_nothing_and_says_what_it_would_do) {
  workplace place;
  prepare_store(place.database(), 200);
  auto before = rows_of(place.database(), "SELECT COUNT(*) FROM notifications UNION ALL"
                                          " SELECT COUNT(*) FROM notification_processing UNION ALL"
                                          " SELECT COUNT(*) FROM pending_emails UNION ALL"
                                          " SELECT COUNT(*) FROM herald_outcomes");
  for (child_process::environment env :
       {child_process::environment{{"DRY_RUN", "true"}}, {{"NOTIFY_FANOUT_DRY_RUN", "1"}}}) {
    auto result = place.run({"once", "notify-fan-out", "--json"}, env);
    ASSERT_EQ(result.status, 0) << result.err;
    auto would = json::parse(last_line(result.out));
    EXPECT_TRUE(would["dry_run"].get<bool>());
    EXPECT_EQ(would["completed"].get<int>() + would["dead"].get<int>(), 200);
    EXPECT_GT(would["notifications"].get<int>(), 0);
  }
  EXPECT_EQ(rows_of(place.database(), "SELECT COUNT(*) FROM notifications UNION ALL"
                                      " SELECT COUNT(*) FROM notification_processing UNION ALL"
                                      " SELECT COUNT(*) FROM pending_emails UNION ALL"
                                      " SELECT COUNT(*) FROM herald_outcomes"),
            before);
}

TEST(cli, log_lines_keep_the_format_that_operators_parse) {
  workplace place;
  ASSERT_EQ(place.run({"emit", "never_heard_of"}).status, 0);
  auto text = place.run({"once", "notify-fan-out"});
  ASSERT_EQ(text.status, 0) << text.err;
  std::regex line{R"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d - (DEBUG|INFO|WARNING|ERROR) - [a-z-]+ - .+)"};
  std::istringstream lines{text.err};
  std::string one;
  int count = 0;
  while (std::getline(lines, one)) {
    EXPECT_TRUE(std::regex_match(one, line)) << one;
    ++count;
  }
  EXPECT_GT(count, 0);
  EXPECT_THAT(text.err, HasSubstr("WARNING - notify-fan-out - "));
  EXPECT_THAT(text.err, HasSubstr("never_heard_of"));
}

TEST(cli, a_database_that_is_none_is_refused_in_words) {
  workplace place;
  write(place.database(), "this is a letter to my aunt, and no database at all, however long it gets to be");
  auto result = place.run({"once", "notify-fan-out"});
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr("herald.db"));
  EXPECT_EQ(place.run({"status"}).status, 1);
}

TEST(cli, completion_knows_every_command) {
  workplace place;
  auto script = place.start_plain({"completion", "bash"}).wait();
  ASSERT_EQ(script.status, 0);
  write(place.file("c.sh"), script.out
                                + "\nCOMP_WORDS=(herald dead ret); COMP_CWORD=2; _herald\n"
                                  "echo \"${COMPREPLY[@]}\"\n");
  auto shell = child_process{"/bin/bash", {place.file("c.sh")}, {}, "/"}.wait();
  EXPECT_EQ(shell.status, 0) << shell.err;
  EXPECT_EQ(shell.out, "retry\n");
}

} // namespace
} // namespace herald::testing
