// Captured mail: files that mail programs open, and the provider's behaviour around them.
#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <unistd.h>

#include "adapters/mail/capture_transport.hpp"
#include "adapters/mail/mime_message.hpp"
#include "messages/uuid.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/unprivileged.hpp"

namespace herald::test {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

class fixed_clock final : public clock {
public:
  timestamp now() const override { return from_epoch_ms(epoch_ms); }

  std::int64_t epoch_ms = 1'768'919'445'000;
};

class remembering_sink final : public captured_mail_sink {
public:
  result<void> store(const captured_mail& mail) override {
    if (broken)
      return failure{failure_class::outage, "the table is locked"};
    mails.push_back(mail);
    return {};
  }

  std::vector<captured_mail> mails;
  bool broken = false;
};

class capture_transport_test : public ::testing::Test {
protected:
  std::unique_ptr<mail_transport> open() {
    auto out = open_capture_transport({directory}, time, &sink);
    if (out.has_error())
      throw std::runtime_error(out.error().reason);
    return std::move(*out);
  }

  static json mail(const std::string& subject = "s") {
    return {{"from", "Acme <notifications@acme.org>"},
            {"to", {"ann@acme.org"}},
            {"subject", subject},
            {"html", "<p>it works</p>"},
            {"text", "it works"}};
  }

  mail_answer send(const json& body, const std::string& key = "prod/delivery/1234") {
    auto endpoint = body.is_array() ? email_endpoint::batch : email_endpoint::single;
    return open()->send({endpoint, key, body.dump()});
  }

  std::vector<std::string> files() const {
    std::set<std::string> out;
    for (auto& x : fs::directory_iterator{directory})
      out.insert(x.path().filename().string());
    return {out.begin(), out.end()};
  }

  std::string content_of(const std::string& file) const {
    std::ifstream in{directory + "/" + file};
    return {std::istreambuf_iterator<char>{in}, {}};
  }

  /// What Python's mail parser finds in a file.
  json parsed(const std::string& file) const {
    herald::testing::child_process reader{
        "/usr/bin/env",
        {"python3", HERALD_SOURCE_DIR "/tests/mail/read_eml.py", directory + "/" + file},
        {{"PATH", getenv("PATH")}, {"HOME", getenv("HOME") ? getenv("HOME") : "/"}},
        "/"};
    auto end = reader.wait();
    EXPECT_EQ(end.status, 0) << end.err;
    return json::parse(end.out, nullptr, false);
  }

  static std::string header(const json& from, const std::string& name) {
    for (auto& x : from["headers"])
      if (x[0] == name)
        return x[1];
    return "(none)";
  }

  temp_dir dir;
  std::string directory = dir.file("captured");
  fixed_clock time;
  remembering_sink sink;
};

} // namespace

// -- files -------------------------------------------------------------------------------------------------------

TEST_F(capture_transport_test, writes_a_file_that_mail_programs_open) {
  auto x =
      mail("Déjà vu ✓ in a subject that is far longer than any line of a header should ever be, 日本語も");
  x["from"] = "\"Müller, \\\"Acme\\\"\" <notifications@acme.org>";
  x["to"] = {"Ann Ödegård <ann@acme.org>", "bob@acme.org"};
  x["text"] = "First line\nsecond = line, with a blank at its end \n.\nFrom here: ünïcödé "
              + std::string(200, 'x') + "\ntab at the end\t\nno end";
  x["html"] = "<p style=\"color:red\">Ünïcödé ✓</p>\r\n<p>" + std::string(2'000, 'y') + "</p>\n";
  x["headers"] = {{"List-Unsubscribe", "<https://acme.org/u/" + std::string(60, 't')
                                           + ">, <mailto:unsubscribe@acme.org?subject=unsubscribe>"},
                  {"List-Unsubscribe-Post", "List-Unsubscribe=One-Click"}};
  x["tags"] = {{{"name", "mail"}, {"value", "1234"}}};
  auto answer = send(x);
  ASSERT_EQ(answer.status, 200) << answer.error << answer.body;
  ASSERT_EQ(files().size(), 1U);
  EXPECT_TRUE(files()[0].starts_with("prod-delivery-1234-")) << files()[0];
  EXPECT_TRUE(files()[0].ends_with("-000.eml")) << files()[0];
  auto read = parsed(files()[0]);
  EXPECT_EQ(read["defects"], json::array());
  EXPECT_EQ(read["bare_line_ends"], 0);
  EXPECT_LE(read["longest_line"], 100);
  EXPECT_EQ(read["ascii"], true);
  EXPECT_EQ(read["type"], "multipart/alternative");
  EXPECT_EQ(read["charsets"], json::array({"utf-8"}));
  EXPECT_EQ(header(read, "Subject"), x["subject"]);
  EXPECT_EQ(header(read, "From"), "\"Müller, \\\"Acme\\\"\" <notifications@acme.org>");
  EXPECT_EQ(header(read, "To"), "Ann Ödegård <ann@acme.org>, bob@acme.org");
  EXPECT_EQ(header(read, "Date"), "Tue, 20 Jan 2026 14:30:45 +0000");
  EXPECT_EQ(header(read, "List-Unsubscribe"), x["headers"]["List-Unsubscribe"]);
  EXPECT_EQ(header(read, "List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
  EXPECT_EQ(header(read, "X-Herald-Idempotency-Key"), "prod/delivery/1234");
  EXPECT_EQ(header(read, "X-Herald-Tag"), "mail=1234");
  auto text = read["parts"]["text/plain"].get<std::string>();
  EXPECT_EQ(text, x["text"]);
  EXPECT_EQ(read["parts"]["text/html"],
            "<p style=\"color:red\">Ünïcödé ✓</p>\n<p>" + std::string(2'000, 'y') + "</p>\n");
}

TEST_F(capture_transport_test, writes_one_part_when_there_is_one_body) {
  auto x = mail();
  x.erase("html");
  send(x, "text");
  auto read = parsed(files()[0]);
  EXPECT_EQ(read["type"], "text/plain");
  EXPECT_EQ(read["parts"]["text/plain"], "it works\n");
  EXPECT_EQ(read["defects"], json::array());
}

TEST_F(capture_transport_test, never_shows_a_file_in_part) {
  auto transport = open();
  auto watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  inotify_add_watch(watch, directory.c_str(), IN_CREATE | IN_MOVED_TO);
  EXPECT_EQ(transport->send({email_endpoint::single, "k", mail().dump()}).status, 200);
  alignas(inotify_event) std::array<char, 4'096> bytes;
  auto size = read(watch, bytes.data(), bytes.size());
  close(watch);
  std::map<std::string, std::uint32_t> events;
  for (ssize_t at = 0; at < size;) {
    auto* event = reinterpret_cast<const inotify_event*>(bytes.data() + at);
    events[event->name] |= event->mask;
    at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
  }
  ASSERT_EQ(files().size(), 1U);
  EXPECT_EQ(events[files()[0]], std::uint32_t{IN_MOVED_TO});
}

TEST_F(capture_transport_test, takes_no_path_from_a_key) {
  for (auto* key : {"../../etc/passwd", "/etc/passwd", ".", "..", "a/b", "a-b", "ä\n", "-rf"})
    EXPECT_EQ(send(mail(), key).status, 200) << key;
  EXPECT_EQ(send(mail(), std::string(256, 'k')).status, 200);
  EXPECT_EQ(files().size(), 9U);
  EXPECT_EQ(std::distance(fs::directory_iterator{dir.path()}, fs::directory_iterator{}), 1);
}

TEST_F(capture_transport_test, lets_no_line_break_into_a_header) {
  auto injected = [&](const char* field, const json& value) {
    auto x = mail();
    x[field] = value;
    return send(x, field).status;
  };
  EXPECT_EQ(injected("subject", "a\r\nBcc: evil@acme.org"), 422);
  EXPECT_EQ(injected("from", "a@acme.org\nBcc: evil@acme.org"), 422);
  EXPECT_EQ(injected("to", "a@acme.org\nBcc: evil@acme.org"), 422);
  EXPECT_EQ(injected("headers", {{"X", "a\r\n\r\nbody"}}), 422);
  EXPECT_EQ(injected("headers", {{"X: y\r\nZ", "a"}}), 422);
  EXPECT_EQ(injected("tags", {{{"name", "a\n"}, {"value", "b"}}}), 422);
  EXPECT_EQ(files().size(), 0U);
}

TEST(mime_message, encodes_words_within_their_limits_and_whole_characters) {
  EXPECT_EQ(encode_words("plain text"), "plain text");
  EXPECT_EQ(encode_words("é"), "=?UTF-8?B?w6k=?=");
  // A reader would decode what already looks encoded.
  EXPECT_NE(encode_words("=?UTF-8?B?aGk=?="), "=?UTF-8?B?aGk=?=");
  std::string text;
  for (auto i = 0; i < 40; ++i)
    text += "a✓";
  std::istringstream words{encode_words(text)};
  for (std::string word; words >> word;) {
    EXPECT_LE(word.size(), 75U);
    EXPECT_TRUE(word.starts_with("=?UTF-8?B?") && word.ends_with("?="));
  }
}

TEST(mime_message, keeps_lines_of_quoted_printable_short) {
  EXPECT_EQ(quoted_printable("a=b\nc \r\nd\te"), "a=3Db\r\nc=20\r\nd\te");
  EXPECT_EQ(quoted_printable("a\rb"), "a=0Db");
  std::istringstream lines{quoted_printable(std::string(1'000, 'x') + "é" + std::string(1'000, ' '))};
  for (std::string line; std::getline(lines, line);)
    EXPECT_LE(line.size(), 77U); // the carriage return included
}

// -- the provider's behaviour ------------------------------------------------------------------------------------

TEST_F(capture_transport_test, answers_a_single_mail_as_the_provider_does) {
  auto answer = send(mail());
  EXPECT_EQ(answer.status, 200);
  auto body = json::parse(answer.body);
  EXPECT_EQ(body.size(), 1U);
  EXPECT_TRUE(parse_uuid(body["id"].get<std::string>()));
}

TEST_F(capture_transport_test, answers_a_batch_as_the_provider_does) {
  auto bad = mail();
  bad.erase("to");
  auto answer = send(json::array({mail("a"), bad, mail("b")}));
  EXPECT_EQ(answer.status, 200);
  auto body = json::parse(answer.body);
  ASSERT_EQ(body["data"].size(), 2U);
  EXPECT_NE(body["data"][0]["id"], body["data"][1]["id"]);
  EXPECT_EQ(body["errors"], (json{{{"index", 1}, {"message", "The `to` field is missing."}}}));
  EXPECT_EQ(files().size(), 2U);
  EXPECT_TRUE(files()[1].ends_with("-002.eml"));
}

TEST_F(capture_transport_test, gives_the_same_ids_again_and_writes_no_second_file) {
  auto batch = json::array({mail("a"), mail("b")});
  auto first = send(batch);
  auto names = files();
  auto content = content_of(names.at(0));
  time.epoch_ms += 86'400'000;
  // open() makes a new transport: what it knows comes from the files, as after a restart.
  auto again = send(batch);
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(again.body, first.body);
  EXPECT_EQ(files(), names);
  EXPECT_EQ(content_of(names[0]), content);
}

TEST_F(capture_transport_test, refuses_other_bytes_under_a_known_key) {
  EXPECT_EQ(send(mail("a"), "k").status, 200);
  auto answer = send(mail("b"), "k");
  EXPECT_EQ(answer.status, 409);
  EXPECT_EQ(json::parse(answer.body)["name"], "invalid_idempotent_request");
  EXPECT_EQ(send(json::array({mail("a")}), "k").status, 409);
  EXPECT_EQ(files().size(), 1U);
  EXPECT_EQ(sink.mails.size(), 1U);
}

TEST_F(capture_transport_test, knows_a_batch_whose_first_mail_was_refused) {
  auto bad = mail();
  bad.erase("to");
  EXPECT_EQ(send(json::array({bad, mail("a")}), "k").status, 200);
  EXPECT_EQ(send(json::array({mail("b"), mail("a")}), "k").status, 409);
}

TEST_F(capture_transport_test, completes_a_batch_that_was_left_in_part) {
  auto batch = json::array({mail("a"), mail("b")});
  auto first = send(batch, "k");
  fs::remove(directory + "/" + files()[1]);
  EXPECT_EQ(send(batch, "k").body, first.body);
  EXPECT_EQ(files().size(), 2U);
}

TEST_F(capture_transport_test, refuses_what_the_provider_refuses) {
  auto without = [&](const char* field) {
    auto x = mail();
    x.erase(field);
    return send(x, field);
  };
  EXPECT_EQ(without("to").status, 422);
  EXPECT_EQ(without("from").status, 422);
  EXPECT_EQ(without("subject").status, 422);
  EXPECT_EQ(send(json::array()).status, 422);
  EXPECT_EQ(send(json(std::vector<json>(101, mail()))).status, 422);
  EXPECT_EQ(send(mail(), "").status, 400);
  EXPECT_EQ(send(mail(), std::string(257, 'k')).status, 400);
  EXPECT_EQ(open()->send({email_endpoint::single, "k", "{\"broken"}).status, 400);
  EXPECT_EQ(open()->send({email_endpoint::single, "k", "\"\xff\""}).status, 400);
  EXPECT_EQ(open()->send({email_endpoint::single, "k", "[]"}).status, 422);
  for (auto* body : {"[1]", "[null]", R"([{"to":7,"headers":[],"tags":{},"subject":{}}])"}) {
    auto answer = open()->send({email_endpoint::batch, "k", body});
    EXPECT_EQ(answer.status, 200) << body;
    EXPECT_EQ(json::parse(answer.body)["errors"].size(), 1U) << body;
  }
  EXPECT_EQ(files().size(), 0U);
}

// -- the sink ----------------------------------------------------------------------------------------------------

TEST_F(capture_transport_test, hands_each_mail_to_the_sink) {
  auto x = mail("subject");
  x["to"] = {"a@acme.org", "b@acme.org"};
  x["headers"] = {{"X-A", "b"}};
  auto answer = send(x, "k");
  ASSERT_EQ(sink.mails.size(), 1U);
  auto& stored = sink.mails[0];
  EXPECT_EQ(stored.id, json::parse(answer.body)["id"]);
  EXPECT_EQ(stored.idempotency_key, "k");
  EXPECT_EQ(stored.from, "Acme <notifications@acme.org>");
  EXPECT_EQ(stored.to, "a@acme.org, b@acme.org");
  EXPECT_EQ(stored.subject, "subject");
  EXPECT_EQ(stored.html, "<p>it works</p>");
  EXPECT_EQ(stored.text, "it works");
  EXPECT_EQ(stored.headers, (std::vector<std::pair<std::string, std::string>>{{"X-A", "b"}}));
}

TEST_F(capture_transport_test, takes_a_broken_sink_for_an_outage_and_catches_up_later) {
  sink.broken = true;
  auto answer = send(mail());
  EXPECT_EQ(answer.status, 0);
  EXPECT_NE(answer.error.find("the table is locked"), std::string::npos) << answer.error;
  sink.broken = false;
  EXPECT_EQ(send(mail()).status, 200);
  EXPECT_EQ(sink.mails.size(), 1U);
  EXPECT_EQ(files().size(), 1U);
}

// -- disks -------------------------------------------------------------------------------------------------------

TEST_F(capture_transport_test, says_which_directory_cannot_be_written) {
  auto transport = open();
  fs::permissions(dir.path(), fs::perms::all);
  fs::permissions(directory, fs::perms::owner_read | fs::perms::owner_exec | fs::perms::others_read
                                 | fs::perms::others_exec);
  {
    unprivileged scope;
    auto answer = transport->send({email_endpoint::single, "k", mail().dump()});
    EXPECT_EQ(answer.status, 0);
    EXPECT_FALSE(answer.maybe_delivered);
    EXPECT_NE(answer.error.find(directory), std::string::npos) << answer.error;
    EXPECT_NE(answer.error.find("Permission denied"), std::string::npos) << answer.error;
    auto refused = open_capture_transport({directory}, time);
    ASSERT_TRUE(refused.has_error());
    EXPECT_EQ(refused.error().kind, failure_class::outage);
    EXPECT_NE(refused.error().reason.find(directory), std::string::npos) << refused.error().reason;
  }
  EXPECT_TRUE(sink.mails.empty());
}

TEST_F(capture_transport_test, leaves_no_part_of_a_file_on_a_full_disk) {
  auto transport = open();
  // Files of this process may not grow: a write fails as on a full disk.
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  auto old_handler = signal(SIGXFSZ, SIG_IGN);
  rlimit none{100, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &none);
  auto answer = transport->send({email_endpoint::batch, "k", json::array({mail("a"), mail("b")}).dump()});
  setrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, old_handler);
  EXPECT_EQ(answer.status, 0);
  EXPECT_NE(answer.error.find("free space"), std::string::npos) << answer.error;
  EXPECT_EQ(files().size(), 0U);
  EXPECT_EQ(send(json::array({mail("a"), mail("b")}), "k").status, 200);
  EXPECT_EQ(files().size(), 2U);
}

} // namespace herald::test
