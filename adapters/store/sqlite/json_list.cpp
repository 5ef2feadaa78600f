#include "adapters/store/sqlite/json_list.hpp"

#include <utility>

#include <nlohmann/json.hpp>

namespace herald::sqlite {

void json_list::separate() {
  if (!empty())
    text_ += ',';
}

void json_list::add(const uuid& x) {
  separate();
  text_.append("\"").append(to_string(x)).append("\"");
}

void json_list::add(std::int64_t x) {
  separate();
  text_ += std::to_string(x);
}

void json_list::add(std::string_view x) {
  separate();
  text_ += nlohmann::json(x).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void json_list::add(std::int64_t first, std::int64_t second) {
  separate();
  text_.append("[").append(std::to_string(first)).append(",").append(std::to_string(second)).append("]");
}

std::string json_list::str() && {
  text_ += ']';
  return std::move(text_);
}

} // namespace herald::sqlite
