// Certificate authorities and server certificates made for one test run: no private key is ever kept.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace herald::test {

/// Certificate and key of a server, in PEM form.
struct server_identity {
  std::string certificate;
  std::string key;
};

/// An authority that nobody trusts unless told to.
class test_authority {
public:
  /// Throws std::runtime_error when OpenSSL does not play along.
  test_authority();
  ~test_authority();

  test_authority(const test_authority&) = delete;
  test_authority& operator=(const test_authority&) = delete;

  /// A certificate for the names, each in OpenSSL's form: `DNS:localhost`, `IP:127.0.0.1`.
  server_identity issue(const std::vector<std::string>& names) const;

  /// One that ran out yesterday.
  server_identity issue_expired(const std::vector<std::string>& names) const;

  /// The authority's own certificate.
  std::string pem() const;

  /// Writes pem() to a file and returns its path.
  std::string write_pem(const std::filesystem::path& file) const;

private:
  struct state;
  state* state_;
};

} // namespace herald::test
