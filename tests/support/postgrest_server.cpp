// The server has a guardian: a shell that starts it and, when its input ends because the test process did, stops it and
// removes its directory.
#include "tests/support/postgrest_server.hpp"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/fakes/supabase_gateway.hpp"
#include "tests/support/postgres_server.hpp"

namespace herald::test {

namespace {

// $1: the program, $2: the directory. Only the server holds the output, so that its end is seen.
constexpr auto guardian_script = R"sh(
trap '' INT HUP TERM PIPE
"$1" "$2/conf" 2>&1 &
server=$!
exec >/dev/null 2>&1
cat >/dev/null
kill -KILL $server
wait
rm -rf "$2"
)sh";

void write_configuration(const std::string& directory, const secret& url, const std::string& settings) {
  std::ofstream out{directory + "/conf"};
  out << "db-uri = \"" << url.reveal() << "\"\n"
      << "db-schemas = \"public\"\n"
      << "db-anon-role = \"anon\"\n"
      << "db-max-rows = 1000\n"
      << "jwt-secret = \"" << supabase_gateway::jwt_secret() << "\"\n"
      << "log-level = \"crit\"\n" // nobody reads it once the server runs
      << "server-unix-socket = \"" << directory << "/rest\"\n"
      << settings;
  if (!out.flush())
    throw std::runtime_error("cannot write the configuration of PostgREST");
}

[[noreturn]] void become_guardian(int input, int output, const std::string& directory) {
  dup2(input, 0);
  dup2(output, 1);
  // A session of its own: Ctrl-C at the tests must not end it before it has cleaned up.
  setsid();
  execl("/bin/sh", "sh", "-c", guardian_script, "guardian", HERALD_POSTGREST, directory.c_str(),
        static_cast<char*>(nullptr));
  _exit(127);
}

} // namespace

bool postgrest_server::installed() {
  return access(HERALD_POSTGREST, X_OK) == 0;
}

postgrest_server::postgrest_server(const std::string& database, const std::string& settings)
    : postgrest_server{postgres_server::instance().url(database, "authenticator"), settings} {
  // nop
}

postgrest_server::postgrest_server(const secret& url, const std::string& settings) {
  std::string pattern = "/tmp/herald-rest-XXXXXX"; // short: it holds a socket
  if (!mkdtemp(pattern.data()))
    throw std::runtime_error("cannot make a temporary directory for PostgREST");
  directory_ = pattern;
  write_configuration(directory_, url, settings);
  std::array<int, 2> commands{};
  std::array<int, 2> words{};
  if (pipe2(commands.data(), O_CLOEXEC) != 0 || pipe2(words.data(), O_CLOEXEC) != 0)
    throw std::runtime_error("cannot make a pipe");
  guardian_ = fork();
  if (guardian_ == 0)
    become_guardian(commands[0], words[1], directory_);
  close(commands[0]);
  close(words[1]);
  to_guardian_ = commands[1];
  from_server_ = words[0];
  if (guardian_ < 0)
    throw std::runtime_error("cannot start a process");
  try {
    await_ready();
  } catch (...) {
    stop();
    throw;
  }
}

postgrest_server::~postgrest_server() {
  stop();
}

void postgrest_server::stop() {
  close(to_guardian_);
  close(from_server_);
  while (waitpid(guardian_, nullptr, 0) < 0 && errno == EINTR)
    continue;
}

/// It says so once it listens and has read what the database holds; the order of the two is its own.
void postgrest_server::await_ready() {
  constexpr auto patience_ms = 30'000;
  std::string said;
  std::array<char, 4'096> buffer;
  while (said.find("Listening on") == std::string::npos
         || said.find("Schema cache loaded") == std::string::npos) {
    auto ready = pollfd{from_server_, POLLIN, 0};
    auto n = poll(&ready, 1, patience_ms) > 0 ? read(from_server_, buffer.data(), buffer.size()) : 0;
    if (n <= 0)
      throw std::runtime_error("PostgREST does not start:\n" + said);
    said.append(buffer.data(), static_cast<std::size_t>(n));
  }
}

} // namespace herald::test
