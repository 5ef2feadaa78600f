// Takes a key out of what a server said: one that repeats the request in its answer must not get it into a log.
#pragma once

#include <string>

#include "messages/secret.hpp"

namespace herald {

/// `text` with `***` in place of each occurrence of `hidden`. A secret of under four characters is hidden by nothing: it
/// stands in every text.
inline std::string without_secret(std::string text, const secret& hidden) {
  auto key = hidden.reveal();
  if (key.size() < 4)
    return text;
  for (auto at = text.find(key); at != std::string::npos; at = text.find(key, at + 3))
    text.replace(at, key.size(), "***");
  return text;
}

} // namespace herald
