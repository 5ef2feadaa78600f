// Sessions with PostgreSQL: what is sent and read, how errors are classed and worded, and what becomes of a
// session that breaks.
#include <csignal>

#include "tests/postgres/fake_pooler.hpp"
#include "tests/postgres/postgres_fixture.hpp"

namespace herald::test {

namespace {

using connection_test = postgres_test;

// -- statements ---------------------------------------------------------------------------------------------

TEST_F(connection_test, parameters_and_results_keep_null_and_every_character) {
  auto db = connect();
  auto out = db.run("SELECT $1::text, $2::text, $3::text", {"Öl '\"\\", nullptr, ""});
  ASSERT_FALSE(out.has_error());
  EXPECT_EQ(out->text(0, 0), "Öl '\"\\");
  EXPECT_TRUE(out->is_null(0, 1));
  EXPECT_FALSE(out->is_null(0, 2));
  EXPECT_EQ(out->text(0, 2), "");
}

TEST_F(connection_test, a_request_larger_than_any_buffer_arrives_whole) {
  auto db = connect();
  auto large = std::string(20'000'000, 'x');
  auto out = db.run_prepared("SELECT $1::text", {large.c_str()}, "try");
  ASSERT_FALSE(out.has_error()) << out.error().reason;
  EXPECT_TRUE(out->text(0, 0) == large);
}

TEST_F(connection_test, a_statement_is_prepared_once_per_session) {
  auto db = connect();
  for (auto x : {"1", "2", "3"})
    EXPECT_EQ(db.run_prepared("SELECT $1::int", {x}, "try").value().text(0, 0), x);
  EXPECT_EQ(ask(db, "SELECT count(*) FROM pg_prepared_statements"), "1");
}

TEST_F(connection_test, the_session_is_named_and_has_a_statement_time_out) {
  auto db = connect();
  EXPECT_EQ(ask(db, "SHOW application_name"), "herald");
  EXPECT_EQ(ask(db, "SHOW statement_timeout"), "20s");
  EXPECT_EQ(ask(db, "SHOW client_encoding"), "UTF8");
  EXPECT_FALSE(db.pooled());
}

TEST_F(connection_test, what_the_url_sets_wins) {
  auto x = options();
  x.url = secret{std::string{x.url.reveal()} + " application_name=mine"};
  auto db = connect(x);
  EXPECT_EQ(ask(db, "SHOW application_name"), "mine");
}

// -- error classes ------------------------------------------------------------------------------------------

TEST_F(connection_test, errors_have_the_class_of_their_state) {
  auto db = connect();
  auto raise = [&db](const std::string& state) {
    return refusal(db, "DO $$ BEGIN RAISE SQLSTATE '" + state + "' USING MESSAGE = 'on purpose'; END $$")
        .kind;
  };
  for (auto state : {"08006", "25006", "28000", "3D000", "3F000", "42501", "42883", "42P01", "53100", "53300",
                     "55P03", "57P01", "57P03", "58030"})
    EXPECT_EQ(raise(state), failure_class::outage) << state;
  for (auto state : {"40001", "40P01", "57014", "XX000", "PT409"})
    EXPECT_EQ(raise(state), failure_class::transient) << state;
  for (auto state : {"21000", "22P02", "22003", "23505", "23503", "23514", "54000", "P0001"})
    EXPECT_EQ(raise(state), failure_class::permanent) << state;
}

TEST_F(connection_test, a_failure_says_what_where_and_what_to_do) {
  auto db = connect();
  auto why = refusal(db, "SELECT public.herald_claim('{}'::json)");
  EXPECT_EQ(why.kind, failure_class::outage);
  expect_says(why, "PostgreSQL database '" + database->name() + "'");
  expect_says(why, "could not run a statement");
  expect_says(why, "does not exist (SQLSTATE 42883)");
  expect_says(why, "run herald migrate");
  EXPECT_EQ(why.reason.find('\n'), std::string::npos);
}

TEST_F(connection_test, a_failed_statement_leaves_the_session_usable) {
  auto db = connect();
  refusal(db, "SELECT 1/0");
  EXPECT_TRUE(db.alive());
  EXPECT_EQ(ask(db, "SELECT 7"), "7");
}

TEST_F(connection_test, a_statement_that_takes_too_long_is_ended_by_the_server) {
  auto x = options();
  x.statement_timeout = duration{50};
  auto db = connect(x);
  auto why = refusal(db, "SELECT pg_sleep(60)");
  EXPECT_EQ(why.kind, failure_class::transient);
  expect_says(why, "SQLSTATE 57014");
  EXPECT_EQ(ask(db, "SELECT 7"), "7");
}

TEST_F(connection_test, a_server_that_says_nothing_is_given_up) {
  auto x = options();
  x.answer_timeout = duration{1'000};
  auto db = connect(x);
  auto pid = std::stoi(ask(db, "SELECT pg_backend_pid()"));
  ASSERT_EQ(kill(pid, SIGSTOP), 0);
  auto why = refusal(db, "SELECT 1");
  kill(pid, SIGCONT);
  EXPECT_EQ(why.kind, failure_class::outage);
  expect_says(why, "no word from the server for 1000 ms");
  EXPECT_FALSE(db.alive());
  EXPECT_EQ(refusal(db, "SELECT 1").kind, failure_class::outage);
}

// -- broken sessions ----------------------------------------------------------------------------------------

TEST_F(connection_test, a_session_that_is_killed_in_a_statement_is_an_outage) {
  auto db = connect();
  auto why = refusal(db, "SELECT pg_terminate_backend(pg_backend_pid())");
  EXPECT_EQ(why.kind, failure_class::outage);
  EXPECT_FALSE(db.alive());
  EXPECT_EQ(refusal(db, "SELECT 1").kind, failure_class::outage);
}

TEST_F(connection_test, a_session_that_is_killed_while_idle_is_noticed_before_it_is_used) {
  auto db = connect();
  auto pid = ask(db, "SELECT pg_backend_pid()");
  auto other = connect();
  // Returns when the other process is gone.
  EXPECT_EQ(ask(other, "SELECT pg_terminate_backend(" + pid + ", 10000)"), "t");
  EXPECT_FALSE(db.alive());
}

TEST_F(connection_test, a_session_does_not_survive_a_restart_of_the_server) {
  auto db = connect();
  postgres_server::instance().restart();
  EXPECT_FALSE(db.alive());
  EXPECT_EQ(ask(*std::make_unique<postgres::connection>(connect()), "SELECT 7"), "7");
}

// -- connecting ---------------------------------------------------------------------------------------------

failure no_connection(const std::string& url) {
  postgres_options x;
  x.url = secret{url};
  auto out = postgres::connection::open(x);
  if (!out.has_error())
    throw std::runtime_error("there is a connection");
  return out.error();
}

TEST_F(connection_test, a_server_that_is_not_there_is_an_outage) {
  auto why = no_connection("host=/nowhere port=5 dbname=x user=u password=hunter22");
  EXPECT_EQ(why.kind, failure_class::outage);
  expect_says(why, "database 'x' at /nowhere:5 as 'u'");
  expect_says(why, "check that the server runs");
  EXPECT_EQ(why.reason.find("hunter22"), std::string::npos);
}

TEST_F(connection_test, a_database_and_a_role_that_are_not_there_are_named) {
  auto& server = postgres_server::instance();
  expect_says(no_connection(std::string{server.url("nothing").reveal()}), "check the name of the database");
  expect_says(no_connection(std::string{server.url("postgres", "nobody").reveal()}), "check the user's name");
}

TEST_F(connection_test, a_url_that_is_none_is_refused_without_being_repeated) {
  for (auto url : {"", "postgres//u:hunter22@h/d", "postgresql://u:hunter22%zz@h/d", "host=h hunter22",
                   "postgresql://u@h/d?pasword=hunter22"}) {
    auto why = no_connection(url);
    EXPECT_EQ(why.kind, failure_class::permanent) << url;
    EXPECT_EQ(why.reason.find("hunter22"), std::string::npos) << why.reason;
    expect_says(why, "write postgresql://");
  }
}

TEST_F(connection_test, half_a_password_is_not_taken_for_a_host_a_port_or_a_database) {
  for (auto url :
       {"postgresql://u:hunt@er22@h/d", "postgresql://u:hunt/er22@h/d", "postgresql://u:12/er22@h/d"}) {
    auto why = no_connection(url);
    EXPECT_EQ(why.kind, failure_class::permanent) << url;
    EXPECT_EQ(why.reason.find("er22"), std::string::npos) << why.reason;
    expect_says(why, "%40");
    EXPECT_EQ(postgres::describe_url(secret{url}).find("er22"), std::string::npos) << url;
  }
  EXPECT_FALSE(postgres::check_url(secret{"postgresql://u:hunt%40er22@h,i:1,2/d@e"}).has_error());
  EXPECT_FALSE(postgres::check_url(secret{"host=@abstract dbname=d user=u"}).has_error());
}

TEST_F(connection_test, a_password_that_the_server_repeats_is_taken_out) {
  auto x = options();
  x.url = secret{std::string{x.url.reveal()} + " password=hunter22"};
  auto db = connect(x);
  auto why = refusal(db, "DO $$ BEGIN RAISE EXCEPTION 'got hunter22, hunter22'; END $$");
  expect_says(why, "got ***, ***");
}

TEST_F(connection_test, tls_that_the_server_does_not_offer_is_refused_in_words) {
  auto x = options();
  // On a socket of the machine libpq does without TLS whatever sslmode says.
  auto why = no_connection("host=127.0.0.1 port=9 dbname=x user=u sslmode=verify-full sslrootcert=/nowhere");
  EXPECT_EQ(why.kind, failure_class::outage);
}

// -- poolers ------------------------------------------------------------------------------------------------

TEST_F(connection_test, behind_a_pooler_nothing_stays_on_the_session) {
  auto pooler = fake_pooler{postgres_server::instance().directory()};
  auto x = options();
  x.url = pooler.url(database->name());
  auto db = connect(x);
  EXPECT_TRUE(db.pooled());
  EXPECT_EQ(ask(db, "SHOW statement_timeout"), "0");
  EXPECT_EQ(db.run_prepared("SELECT $1::int", {"5"}, "try").value().text(0, 0), "5");
  EXPECT_EQ(ask(db, "SELECT count(*) FROM pg_prepared_statements"), "0");
}

} // namespace

} // namespace herald::test
