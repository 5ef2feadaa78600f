// herald doctor's judgement: which fact leads to which verdict, and that every complaint comes with a remedy.
#include <algorithm>
#include <functional>
#include <string>

#include <gtest/gtest.h>

#include "core/doctor.hpp"

namespace herald {

namespace {

/// A database that nothing is wrong with.
doctor_facts healthy() {
  doctor_facts out;
  out.store = doctor_store::postgres;
  out.where = "PostgreSQL database 'x'";
  out.session = session_facts{true, "TLSv1.3", "verify-full", false, false};
  auto& db = out.database.emplace();
  db.server_version = 150'008;
  db.server_version_text = "15.8";
  db.schema_version = 1;
  db.role = "service_role";
  db.bypasses_row_security = true;
  db.claim = claim_facts{0, 50, 1, {}};
  db.access = access_facts{"abc", true};
  db.work = work_facts{};
  out.wanted_version = 1;
  out.clock_skew = duration{3};
  out.round_trip = duration{10};
  out.sender = {sender_facts::answer::listed, {}, "mail.example", "verified"};
  out.keys = {{"RESEND_API_KEY", true, true, "mails"}};
  return out;
}

/// The embedded store, likewise.
doctor_facts healthy_file() {
  auto out = healthy();
  out.store = doctor_store::sqlite;
  out.session.reset();
  out.database.reset();
  out.clock_skew.reset();
  out.file = file_facts{"ok", 1, {}};
  out.work = work_facts{};
  return out;
}

health_check check_named(const doctor_facts& facts, const std::string& name) {
  auto checks = judge(facts);
  auto found = std::ranges::find(checks, name, &health_check::name);
  return found == checks.end() ? health_check{"(none)", verdict::skipped, {}, {}} : *found;
}

struct row {
  const char* about;
  std::function<void(doctor_facts&)> change;
  const char* check;
  verdict outcome;
  /// Part of the reason.
  const char* says;
};

void expect_rows(const doctor_facts& base, const std::vector<row>& rows) {
  for (auto& x : rows) {
    auto facts = base;
    x.change(facts);
    auto found = check_named(facts, x.check);
    EXPECT_EQ(found.name, x.check) << x.about;
    EXPECT_EQ(to_string(found.outcome), to_string(x.outcome)) << x.about << ": " << found.reason;
    EXPECT_NE(found.reason.find(x.says), std::string::npos) << x.about << ": " << found.reason;
    auto complains = x.outcome == verdict::warning || x.outcome == verdict::failed;
    EXPECT_TRUE(!complains || !found.remedy.empty()) << x.about;
  }
}

using enum verdict;

TEST(doctor, a_healthy_database_has_nothing_but_good_and_skipped_checks) {
  auto checks = judge(healthy());
  EXPECT_GE(checks.size(), 18u);
  EXPECT_EQ(overall(checks), ok);
  for (auto& x : checks) {
    EXPECT_TRUE(x.outcome == ok || x.name == "max-rows") << x.name << ": " << x.reason;
    EXPECT_FALSE(x.reason.empty()) << x.name;
  }
}

TEST(doctor, names_of_checks_are_unique) {
  for (auto& facts : {healthy(), healthy_file()}) {
    auto checks = judge(facts);
    std::ranges::sort(checks, {}, &health_check::name);
    EXPECT_EQ(std::ranges::adjacent_find(checks, {}, &health_check::name), checks.end());
  }
}

TEST(doctor, the_way_to_the_database) {
  expect_rows(healthy(), {{"tls without a check", [](auto& x) { x.session->sslmode = "require"; },
                           "encryption", warning, "pose"},
                          {"tls to this machine",
                           [](auto& x) {
                             x.session = {true, "TLSv1.3", "prefer", true, false};
                           },
                           "encryption", ok, "TLSv1.3"},
                          {"plain",
                           [](auto& x) {
                             x.session = {false, {}, "disable", false, false};
                           },
                           "encryption", warning, "readable"},
                          {"plain to this machine",
                           [](auto& x) {
                             x.session = {false, {}, "prefer", true, false};
                           },
                           "encryption", ok, "does not leave"},
                          {"pooler", [](auto& x) { x.session->pooled = true; }, "pooler", warning, "LISTEN"},
                          {"https",
                           [](auto& x) {
                             x.store = doctor_store::supabase;
                             x.session.reset();
                           },
                           "encryption", skipped, "HTTPS"}});
}

TEST(doctor, the_server_and_the_schema) {
  expect_rows(
      healthy(),
      {{"standby", [](auto& x) { x.database->read_only = true; }, "server", failed, "no writes"},
       {"old", [](auto& x) { x.database->server_version = 130'000; }, "server", failed, "lacks"},
       {"untested", [](auto& x) { x.database->server_version = 140'009; }, "server", warning, "tested"},
       {"new", [](auto& x) { x.database->server_version = 170'001; }, "server", ok, ""},
       {"none", [](auto& x) { x.database->schema_version.reset(); }, "schema", failed, "not there"},
       {"older", [](auto& x) { x.wanted_version = 2; }, "schema", failed, "needs 2"},
       {"newer", [](auto& x) { x.database->schema_version = 2; }, "schema", failed, "knows up to 1"},
       {"pending", [](auto& x) { x.pending_files = {"003_events.sql (changed)"}; }, "schema", warning,
        "003_events.sql"}});
}

TEST(doctor, what_this_role_may_and_others_may_not) {
  expect_rows(healthy(),
              {{"missing function", [](auto& x) { x.database->missing_functions = {"herald_seal"}; },
                "functions", failed, "herald_seal"},
               {"closed", [](auto& x) { x.database->closed_functions = {"herald_claim"}; }, "functions",
                failed, "may not"},
               {"open", [](auto& x) { x.database->open_functions = {"herald_claim (anon)"}; }, "functions",
                failed, "others"},
               {"missing table", [](auto& x) { x.database->missing_tables = {"herald_mails"}; }, "rights",
                failed, "missing"},
               {"no right", [](auto& x) { x.database->missing_rights = {"profiles (update)"}; }, "rights",
                failed, "lacks"},
               {"open table", [](auto& x) { x.database->open_tables = {"herald_mails (anon)"}; }, "rights",
                failed, "open"},
               {"row security", [](auto& x) { x.database->bypasses_row_security = false; }, "row-security",
                failed, "sees no events"}});
}

TEST(doctor, indexes_triggers_and_the_cost_of_a_claim) {
  expect_rows(
      healthy(),
      {{"missing", [](auto& x) { x.database->missing_indexes = {"herald_a"}; }, "indexes", failed,
        "missing: herald_a"},
       {"invalid", [](auto& x) { x.database->invalid_indexes = {"herald_b"}; }, "indexes", failed,
        "invalid: herald_b"},
       {"no trigger", [](auto& x) { x.database->missing_triggers = {"t"}; }, "triggers", warning,
        "next poll"},
       {"disabled", [](auto& x) { x.database->disabled_triggers = {"t"}; }, "triggers", warning, "disabled"},
       {"scan", [](auto& x) { x.database->claim->scans = {"domain_events"}; }, "claim", failed,
        "domain_events"},
       {"blocks", [](auto& x) { x.database->claim->blocks = 60'000; }, "claim", warning, "60000 pages"},
       {"slow", [](auto& x) { x.database->claim->milliseconds = 900; }, "claim", warning, "900 ms"},
       {"not tried",
        [](auto& x) {
          x.database->claim = claim_facts{2'000'000, {}, {}, {}};
        },
        "claim", warning, "2000000 events"},
       {"unknown", [](auto& x) { x.database->claim.reset(); }, "claim", skipped, ""},
       {"rule", [](auto& x) { x.database->access->known = false; }, "access-rule", warning, "(abc)"},
       {"no rule", [](auto& x) { x.database->access.reset(); }, "access-rule", skipped, ""}});
}

TEST(doctor, the_clock_is_blamed_only_for_what_the_round_trip_does_not_explain) {
  auto skewed = [](int ms, int round_trip) {
    return [=](doctor_facts& x) {
      x.clock_skew = duration{ms};
      x.round_trip = duration{round_trip};
    };
  };
  expect_rows(healthy(), {{"a little", skewed(1'900, 0), "clock", ok, "1900 ms ahead"},
                          {"more", skewed(-2'100, 0), "clock", warning, "2100 ms behind"},
                          {"explained", skewed(2'100, 400), "clock", ok, "give or take 200 ms"},
                          {"half a lease", skewed(31'000, 0), "clock", failed, "leases"},
                          {"not known", [](auto& x) { x.clock_skew.reset(); }, "clock", skipped, ""}});
}

TEST(doctor, rows_that_wait_for_a_person) {
  auto work = [](std::int64_t work_facts::*member) {
    return [=](doctor_facts& x) { (*x.database->work).*member = 7; };
  };
  expect_rows(
      healthy(),
      {{"leftovers", work(&work_facts::left_behind), "left-behind", warning, "7 events"},
       {"old ones", work(&work_facts::left_behind_expired), "left-behind", warning, "expired"},
       {"e-mails", work(&work_facts::emails_left_behind), "left-behind", warning, "7 e-mails"},
       {"the old job", work(&work_facts::foreign_claims), "other-programs", warning, "another program"},
       {"dead", work(&work_facts::dead_letters), "dead-letters", warning, "7 events"},
       {"parked", work(&work_facts::parked_mails), "mails", warning, "7 mails are parked"},
       {"failed", work(&work_facts::failed_mails), "mails", warning, "7 have failed"},
       {"unreadable", [](auto& x) { x.database->work.reset(); }, "mails", skipped, ""}});
}

TEST(doctor, the_sender_and_the_keys) {
  using answer = sender_facts::answer;
  auto sender = [](answer outcome, const char* status) {
    return [=](doctor_facts& x) { x.sender = {outcome, "403 invalid_api_key", "mail.example", status}; };
  };
  expect_rows(
      healthy(),
      {{"pending", sender(answer::listed, "pending"), "sender", failed, "not verified (pending)"},
       {"unknown", sender(answer::listed, ""), "sender", failed, "not among"},
       {"restricted", sender(answer::restricted, ""), "sender", skipped, "may only send"},
       {"refused", sender(answer::refused, ""), "sender", failed, "invalid_api_key"},
       {"no answer", sender(answer::unreachable, ""), "sender", warning, ""},
       {"not asked", sender(answer::not_asked, ""), "sender", skipped, ""},
       {"no key", [](auto& x) { x.keys.front().present = false; }, "key:RESEND_API_KEY", failed, "not set"},
       {"no need", [](auto& x) { x.keys.front().present = x.keys.front().needed = false; },
        "key:RESEND_API_KEY", skipped, "not set"},
       {"mail", [](auto& x) { x.mail_error = "a template is broken"; }, "mail-setup", failed, "broken"}});
}

TEST(doctor, a_database_that_is_out_of_reach_is_one_failure_and_not_twenty) {
  auto facts = healthy();
  facts.unreachable = "no route";
  facts.session.reset();
  facts.database.reset();
  facts.clock_skew.reset();
  auto checks = judge(facts);
  EXPECT_EQ(std::ranges::count(checks, failed, &health_check::outcome), 1);
  EXPECT_EQ(checks.front().reason, "no route");
  EXPECT_EQ(overall(checks), failed);
}

TEST(doctor, a_database_without_the_function_is_told_to_migrate) {
  auto facts = healthy();
  facts.database.reset();
  facts.unanswered = "function herald_doctor does not exist";
  EXPECT_EQ(check_named(facts, "functions").remedy, "run herald migrate");
  EXPECT_EQ(check_named(facts, "schema").outcome, failed);
  facts.schema_version = 1;
  facts.pending_files = {"007_doctor.sql (not recorded)"};
  EXPECT_EQ(check_named(facts, "schema").outcome, warning);
}

TEST(doctor, the_limit_of_postgrest_is_explained_where_there_is_one) {
  auto facts = healthy();
  EXPECT_EQ(check_named(facts, "max-rows").outcome, skipped);
  facts.store = doctor_store::supabase;
  EXPECT_EQ(check_named(facts, "max-rows").outcome, ok);
}

TEST(doctor, the_embedded_store) {
  EXPECT_EQ(overall(judge(healthy_file())), ok);
  expect_rows(
      healthy_file(),
      {{"damaged", [](auto& x) { x.file->integrity = "row missing"; }, "integrity", failed, "row missing"},
       {"older", [](auto& x) { x.wanted_version = 2; }, "schema", failed, "needs 2"},
       {"read-only", [](auto& x) { x.file->not_writable = "read-only"; }, "writable", failed, "read-only"},
       {"dead", [](auto& x) { x.work->dead_letters = 1; }, "dead-letters", warning, "1 events"}});
}

TEST(doctor, long_lists_are_cut) {
  auto facts = healthy();
  facts.database->missing_functions.assign(30, "herald_f");
  EXPECT_NE(check_named(facts, "functions").reason.find("and 24 more"), std::string::npos);
}

} // namespace

} // namespace herald
