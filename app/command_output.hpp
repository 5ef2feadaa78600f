// How commands speak: results to stdout, errors to stderr with the program's name.
#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "app/exit_codes.hpp"
#include "app/store_setup.hpp"
#include "config/configuration.hpp"

namespace herald {

inline int fail(std::string_view what, int code = exit_code::failed) {
  fmt::print(stderr, "herald: {}\n", what);
  return code;
}

inline void print_line(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  if (text.empty() || text.back() != '\n')
    std::fputc('\n', stdout);
}

/// Opens the store for a command that only makes sense on one that exists; null, and `code` set, when there is none.
inline std::unique_ptr<full_store> open_existing(const configuration& cfg, int& code) {
  auto opened = open_store(cfg.store, false);
  if (opened)
    return std::move(*opened);
  code = fail(opened.error().reason);
  return nullptr;
}

} // namespace herald
