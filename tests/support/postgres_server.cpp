// The server has a guardian: a shell that starts it, does what it is told line by line, and, when its input
// ends because the test process did, stops the server and removes its directory. The shell runs as `postgres`
// when the tests run as root, because PostgreSQL refuses to be root.
#include "tests/support/postgres_server.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <vector>

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <spawn.h>
#include <unistd.h>

#include "adapters/store/postgres/connection.hpp"

namespace herald::test {

namespace fs = std::filesystem;

namespace {

using postgres::connection;

/// Debian keeps the server's programs out of the path, one directory per version. Empty when there are none.
std::string program_directory() {
  std::string newest;
  std::error_code none;
  for (auto& x : fs::directory_iterator{"/usr/lib/postgresql", none})
    if (fs::exists(x.path() / "bin/initdb", none) && x.path().string() > newest)
      newest = x.path().string();
  if (!newest.empty())
    return newest + "/bin";
  auto* path = std::getenv("PATH");
  auto rest = std::string{path ? path : ""} + ":";
  for (auto end = rest.find(':'); end != std::string::npos; end = rest.find(':')) {
    auto candidate = fs::path{rest.substr(0, end)} / "initdb";
    rest.erase(0, end + 1);
    if (fs::exists(candidate, none))
      return fs::canonical(candidate, none).parent_path().string();
  }
  return {};
}

// $1: the programs, $2: the directory, $3: settings. Says one line per command: `ok`, or the server's log and `failed`.
constexpr auto guardian_script = R"sh(
trap '' INT HUP TERM PIPE
PATH="$1:$PATH"; dir=$2; data=$dir/data; log=$dir/log
cd "$dir" || exit 1
say() { if [ "$1" -eq 0 ]; then echo ok; else cat "$log" "$dir/said" 2>/dev/null; echo failed; fi; }
start() { pg_ctl -D "$data" -l "$log" -w -t 60 start >"$dir/said" 2>&1; }
initdb -D "$data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync >"$dir/said" 2>&1 &&
  cat >>"$data/postgresql.conf" <<CONF &&
listen_addresses = ''
unix_socket_directories = '$dir'
$3
CONF
  start
say $?
while read -r command; do
  case $command in
    start) start ;;
    stop) pg_ctl -D "$data" -m immediate -w stop >"$dir/said" 2>&1 ;;
    restart) pg_ctl -D "$data" -l "$log" -m immediate -w -t 60 restart >"$dir/said" 2>&1 ;;
  esac
  say $?
done
pg_ctl -D "$data" -m immediate -w stop >/dev/null 2>&1
rm -rf "$dir"
)sh";

/// Nothing of a test's database has to outlive the test.
constexpr auto test_settings = R"(fsync = off
synchronous_commit = off
full_page_writes = off
autovacuum = off
max_connections = 50
max_wal_size = 128MB
shared_buffers = 64MB
timezone = 'America/New_York')";

/// A system account that may run a server, when the tests run as root.
const passwd* server_account() {
  if (geteuid() != 0)
    return nullptr;
  auto* account = getpwnam("postgres");
  return account ? account : getpwnam("nobody");
}

/// In memory if there is room: a database per test is a lot of writing, and a busy disk makes it slow.
std::string spacious_directory() {
  std::error_code none;
  auto room = fs::space("/dev/shm", none);
  constexpr auto enough = std::uintmax_t{1} << 30;
  return !none && room.available > enough && access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
}

[[noreturn]] void become_guardian(int input, int output, const passwd* account, const std::string& programs,
                                  const std::string& directory, const std::string& settings) {
  dup2(input, 0);
  dup2(output, 1);
  // A session of its own: Ctrl-C at the tests must not end it before it has cleaned up.
  setsid();
  if (account && (setgroups(0, nullptr) != 0 || setgid(account->pw_gid) != 0 || setuid(account->pw_uid) != 0))
    _exit(126);
  execl("/bin/sh", "sh", "-c", guardian_script, "guardian", programs.c_str(), directory.c_str(),
        settings.c_str(), static_cast<char*>(nullptr));
  _exit(127);
}

std::vector<std::string> migration_files() {
  std::vector<std::string> out;
  for (auto folder : {"base", "herald"}) {
    std::vector<std::string> files;
    std::error_code none;
    for (auto& x : fs::directory_iterator{fs::path{HERALD_SOURCE_DIR} / "deploy/sql" / folder, none}) {
      auto name = x.path().filename().string();
      // The others, like the downgrade, are not part of setting up.
      if (x.path().extension() == ".sql" && name.front() >= '0' && name.front() <= '9')
        files.push_back(x.path().string());
    }
    std::ranges::sort(files);
    out.insert(out.end(), files.begin(), files.end());
  }
  return out;
}

connection connect(const secret& url) {
  postgres_options options;
  options.url = url;
  auto out = connection::open(options);
  if (out.has_error())
    throw std::runtime_error(to_string(out.error()));
  return std::move(*out);
}

} // namespace

// -- life ---------------------------------------------------------------------------------------------------

bool postgres_server::installed() {
  return !program_directory().empty();
}

postgres_server& postgres_server::instance() {
  static postgres_server server{spacious_directory(), test_settings};
  return server;
}

postgres_server::postgres_server(const std::string& parent, const std::string& settings) {
  auto pattern = parent + "/herald-pg-XXXXXX"; // short: it holds a socket
  if (!mkdtemp(pattern.data()))
    throw std::runtime_error("cannot make a temporary directory for PostgreSQL");
  directory_ = pattern;
  auto* account = server_account();
  if (account && chown(directory_.c_str(), account->pw_uid, account->pw_gid) != 0)
    throw std::runtime_error("cannot hand the directory of PostgreSQL to its user");
  std::array<int, 2> commands{};
  std::array<int, 2> answers{};
  if (pipe2(commands.data(), O_CLOEXEC) != 0 || pipe2(answers.data(), O_CLOEXEC) != 0)
    throw std::runtime_error("cannot make a pipe");
  auto programs = program_directory();
  auto pid = fork();
  if (pid == 0)
    become_guardian(commands[0], answers[1], account, programs, directory_, settings);
  close(commands[0]);
  close(answers[1]);
  if (pid < 0)
    throw std::runtime_error("cannot start a process");
  to_guardian_ = commands[1];
  from_guardian_ = answers[0];
  auto answer = read_answer();
  if (answer != "ok\n")
    throw std::runtime_error("PostgreSQL does not start:\n" + answer);
}

postgres_server::~postgres_server() {
  // The guardian sees the end of its input, and we its: then everything is gone.
  close(to_guardian_);
  std::array<char, 256> rest;
  while (read(from_guardian_, rest.data(), rest.size()) > 0)
    continue;
  close(from_guardian_);
}

void postgres_server::command(const std::string& line) {
  auto text = line + "\n";
  if (write(to_guardian_, text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    throw std::runtime_error("the guardian of PostgreSQL is gone");
  auto answer = read_answer();
  if (answer != "ok\n")
    throw std::runtime_error("PostgreSQL does not " + line + ":\n" + answer);
}

std::string postgres_server::read_answer() {
  auto complete = [](std::string_view x) {
    return x == "ok\n" || x == "failed\n" || x.ends_with("\nok\n") || x.ends_with("\nfailed\n");
  };
  std::string out;
  std::array<char, 4096> buffer;
  while (!complete(out)) {
    auto n = read(from_guardian_, buffer.data(), buffer.size());
    if (n <= 0)
      return out + "the guardian has ended\n";
    out.append(buffer.data(), static_cast<std::size_t>(n));
  }
  return out;
}

void postgres_server::restart() {
  command("restart");
}

void postgres_server::stop() {
  command("stop");
}

void postgres_server::start() {
  command("start");
}

// -- databases ----------------------------------------------------------------------------------------------

secret postgres_server::url(const std::string& database, const std::string& role) const {
  return secret{"host=" + directory_ + " port=5432 dbname=" + database + " user=" + role};
}

std::string postgres_server::create_database() {
  if (!has_template_)
    prepare_template();
  return copy_database("herald_template");
}

std::string postgres_server::create_bare_database() {
  return copy_database("template0");
}

void postgres_server::drop_database(const std::string& name) {
  run("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)");
}

std::string postgres_server::copy_database(const std::string& original) {
  auto name = "test_" + std::to_string(++databases_);
  run("CREATE DATABASE " + name + " TEMPLATE " + original + " STRATEGY file_copy");
  return name;
}

void postgres_server::run(const std::string& sql) {
  auto done = connect(url("postgres")).run(sql);
  if (done.has_error())
    throw std::runtime_error(to_string(done.error()));
}

void postgres_server::prepare_template() {
  run("CREATE DATABASE herald_template TEMPLATE template0");
  auto log = "/tmp/herald-pg-load-" + std::to_string(getpid()) + ".log";
  auto psql = "'" + program_directory() + "/psql' -X -q -v ON_ERROR_STOP=1 -h '" + directory_
              + "' -U postgres -d herald_template";
  for (auto& file : migration_files())
    psql += " -f '" + file + "'";
  // The connection of system() to a shell is all that is needed: paths are ours.
  if (std::system((psql + " </dev/null >/dev/null 2>" + log).c_str()) != 0) {
    std::string words(8'192, '\0');
    auto fd = open(log.c_str(), O_RDONLY | O_CLOEXEC);
    auto n = read(fd, words.data(), words.size());
    words.resize(static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
    close(fd);
    unlink(log.c_str());
    throw std::runtime_error("deploy/sql cannot be loaded:\n" + words);
  }
  unlink(log.c_str());
  has_template_ = true;
}

} // namespace herald::test
