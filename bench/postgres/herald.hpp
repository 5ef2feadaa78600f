// Herald at work on PostgreSQL, as the benchmark runs it: the program itself, from outside.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "bench/child.hpp"
#include "bench/support.hpp"
#include "messages/secret.hpp"

namespace herald::bench {

/// A project as Herald's settings name it.
struct supabase_project {
  std::string url;
  std::string key;
  std::string ca_file;
};

/// The program, e-mail off: what it queues stays queued.
class herald_program {
public:
  explicit herald_program(std::string path) : path_{std::move(path)} {}

  /// `herald once notify-fan-out`: works until nothing is due. Start and stop are part of the figures.
  run_figures fan_out(const secret& url) const;
  run_figures fan_out(const supabase_project& project) const;

  /// `herald run` as often as asked, until told to stop.
  std::vector<std::unique_ptr<child>> run(const secret& url, std::size_t processes) const;

private:
  std::string path_;
};

} // namespace herald::bench
