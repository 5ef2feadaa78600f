#include "adapters/store/supabase/api_key.hpp"

#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace herald::supabase {

namespace {

constexpr auto help =
    "copy the secret key (sb_secret_…) or the legacy service_role key from the API settings of the "
    "project";

failure unusable(const std::string& why) {
  return {failure_class::permanent, "the key of the Supabase store " + why + "; " + help};
}

/// Without padding, in the alphabet for URLs. Nothing when it is none.
std::optional<std::string> decode_base64url(std::string_view text) {
  std::string out;
  std::uint32_t bits = 0;
  auto held = 0;
  for (auto c : text) {
    auto digit = 0;
    if (c >= 'A' && c <= 'Z')
      digit = c - 'A';
    else if (c >= 'a' && c <= 'z')
      digit = c - 'a' + 26;
    else if (c >= '0' && c <= '9')
      digit = c - '0' + 52;
    else if (c == '-' || c == '_')
      digit = c == '-' ? 62 : 63;
    else
      return std::nullopt;
    bits = bits << 6U | static_cast<std::uint32_t>(digit);
    held += 6;
    if (held >= 8) {
      held -= 8;
      out += static_cast<char>(bits >> static_cast<unsigned>(held) & 0xFFU);
    }
  }
  return out;
}

/// What a JWT says about its holder; no object when the key is none.
nlohmann::json claims_of(std::string_view key) {
  auto first = key.find('.');
  auto second = first == std::string_view::npos ? first : key.find('.', first + 1);
  if (second == std::string_view::npos || key.find('.', second + 1) != std::string_view::npos)
    return nullptr;
  auto text = decode_base64url(key.substr(first + 1, second - first - 1));
  return text ? nlohmann::json::parse(*text, nullptr, false) : nullptr;
}

} // namespace

result<key_kind> inspect_key(const secret& key) {
  auto text = key.reveal();
  if (text.empty())
    return unusable("is missing");
  if (text.starts_with("sb_publishable_"))
    return unusable("is a publishable one, which is for browsers and may not call Herald's functions");
  auto claims = claims_of(text);
  if (!claims.is_object())
    return key_kind::opaque;
  auto role = claims.find("role");
  if (role != claims.end() && (*role == "anon" || *role == "authenticated"))
    return unusable("is one for the role " + role->get<std::string>()
                    + ", which is for browsers and may not call Herald's functions");
  return key_kind::token;
}

} // namespace herald::supabase
