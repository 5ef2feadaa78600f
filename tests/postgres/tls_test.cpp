// TLS to a server that has a certificate: what sslmode asks for is kept, and what does not fit is refused in
// words.
#include <fstream>
#include <memory>
#include <string>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adapters/store/postgres/connection.hpp"
#include "tests/fakes/test_certificates.hpp"
#include "tests/support/postgres_server.hpp"
#include "tests/support/temp_dir.hpp"

namespace herald::test {

namespace {

/// One that is free now. PostgreSQL cannot be asked to choose.
int free_port() {
  auto fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto bound = bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0
               && getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  close(fd);
  if (!bound)
    throw std::runtime_error("there is no free port");
  return ntohs(address.sin_port);
}

/// The server wants its key for itself: of its own account, or root's and readable to its group.
void write_key(const std::string& path, const std::string& text) {
  std::ofstream{path} << text;
  auto* account = geteuid() == 0 ? getpwnam("postgres") : nullptr;
  if (chmod(path.c_str(), account ? 0640 : 0600) != 0
      || (account && chown(path.c_str(), 0, account->pw_gid) != 0))
    throw std::runtime_error("cannot protect " + path);
}

class tls_test : public testing::Test {
protected:
  void SetUp() override {
    if (!postgres_server::installed())
      GTEST_SKIP() << "PostgreSQL is not installed";
    auto identity = authority_.issue({"DNS:localhost"});
    std::ofstream{dir_.file("server.crt")} << identity.certificate;
    write_key(dir_.file("server.key"), identity.key);
    authority_.write_pem(dir_.file("ca.pem"));
    stranger_.write_pem(dir_.file("stranger.pem"));
    // The server's account has to get to the files.
    if (chmod(dir_.path().c_str(), 0755) != 0)
      throw std::runtime_error("cannot open the directory");
    port_ = free_port();
    server_ = std::make_unique<postgres_server>(
        "/tmp", "listen_addresses = '127.0.0.1'\nport = " + std::to_string(port_)
                    + "\nfsync = off\nssl = on\nssl_cert_file = '" + dir_.file("server.crt")
                    + "'\nssl_key_file = '" + dir_.file("server.key") + "'");
  }

  result<postgres::connection> connect(const std::string& parameters) const {
    postgres_options x;
    x.url = secret{(parameters.find("hostaddr") == std::string::npos ? "hostaddr=127.0.0.1 port=" : "port=")
                   + std::to_string(port_) + " dbname=postgres user=postgres " + parameters};
    return postgres::connection::open(x);
  }

  static std::string cipher(postgres::connection& db) {
    return std::string{db.run("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")->text(0, 0)};
  }

  std::string ca() const { return dir_.file("ca.pem"); }

  temp_dir dir_;
  test_authority authority_;
  test_authority stranger_;

private:
  int port_ = 0;
  std::unique_ptr<postgres_server> server_;
};

TEST_F(tls_test, a_certificate_of_a_known_authority_for_the_right_name_is_taken) {
  auto db = connect("host=localhost sslmode=verify-full sslrootcert=" + ca());
  ASSERT_TRUE(db) << db.error().reason;
  EXPECT_EQ(cipher(*db), "t");
}

TEST_F(tls_test, a_certificate_for_another_name_is_refused) {
  auto db = connect("host=db.example.com sslmode=verify-full sslrootcert=" + ca());
  ASSERT_TRUE(db.has_error());
  EXPECT_EQ(db.error().kind, failure_class::outage);
  EXPECT_NE(db.error().reason.find("does not match host name"), std::string::npos) << db.error().reason;
}

TEST_F(tls_test, a_certificate_of_a_stranger_is_refused) {
  auto db = connect("host=localhost sslmode=verify-ca sslrootcert=" + dir_.file("stranger.pem"));
  ASSERT_TRUE(db.has_error());
  EXPECT_NE(db.error().reason.find("certificate verify failed"), std::string::npos) << db.error().reason;
}

TEST_F(tls_test, a_server_elsewhere_has_to_prove_itself_unless_told_otherwise) {
  auto by_default = connect("host=db.example.com");
  ASSERT_TRUE(by_default.has_error()) << "libpq alone would have been content with no TLS at all";
  EXPECT_NE(by_default.error().reason.find("certificate"), std::string::npos) << by_default.error().reason;
  EXPECT_NE(by_default.error().reason.find("sslmode=require"), std::string::npos)
      << by_default.error().reason;
  EXPECT_TRUE(connect("host=db.example.com sslmode=require"));
  EXPECT_TRUE(connect("host=localhost")) << "this machine needs no proof";
  EXPECT_TRUE(connect("host=localhost,db.example.com hostaddr=127.0.0.1,127.0.0.1").has_error());
}

TEST_F(tls_test, nothing_is_sent_in_the_clear_unless_the_url_says_so) {
  auto asked = connect("host=localhost sslmode=require");
  ASSERT_TRUE(asked) << asked.error().reason;
  EXPECT_EQ(cipher(*asked), "t");
  auto plain = connect("host=localhost sslmode=disable");
  ASSERT_TRUE(plain) << plain.error().reason;
  EXPECT_EQ(cipher(*plain), "f");
}

} // namespace

} // namespace herald::test
