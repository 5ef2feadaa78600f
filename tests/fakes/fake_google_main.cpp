// The fake Google as a program, for tests that run Herald or a client library as other processes: prints its
// address and runs until its standard input ends.
#include <iostream>
#include <string>

#include "tests/fakes/google_server.hpp"

namespace {

constexpr const char* usage = "usage: fake_google [--client-id ID] [--client-secret SECRET] [--tls CA_FILE]\n"
                              "  prints its base address on one line and runs until standard input ends\n"
                              "  --tls writes the authority to trust to CA_FILE and speaks https\n";

} // namespace

int main(int argc, char** argv) {
  try {
    herald::test::google_server_options options;
    herald::test::test_authority authority;
    for (auto i = 1; i < argc; i += 2) {
      auto option = std::string{argv[i]};
      if (i + 1 == argc)
        throw std::invalid_argument(usage);
      if (option == "--client-id") {
        options.google.client_id = argv[i + 1];
      } else if (option == "--client-secret") {
        options.google.client_secret = argv[i + 1];
      } else if (option == "--tls") {
        authority.write_pem(argv[i + 1]);
        options.identity = authority.issue({"DNS:localhost", "IP:127.0.0.1"});
      } else {
        throw std::invalid_argument(usage);
      }
    }
    herald::test::google_server server{std::move(options)};
    std::cout << server.base_url() << std::endl;
    std::string ignored;
    while (std::getline(std::cin, ignored))
      ;
    return 0;
  } catch (const std::exception& x) {
    std::cerr << x.what() << '\n';
    return 2;
  }
}
