#include "adapters/calendar/fingerprint.hpp"

#include <array>
#include <stdexcept>

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

namespace herald {

namespace {

using digest = std::array<unsigned char, SHA256_DIGEST_LENGTH>;

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string hexadecimal(const digest& from) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  out.reserve(2 * from.size());
  for (auto byte : from)
    out.append({digits[byte >> 4], digits[byte & 0x0f]});
  return out;
}

} // namespace

std::string fingerprint(const secret& token) {
  digest out{};
  auto text = token.reveal();
  if (!SHA256(bytes_of(text), text.size(), out.data()))
    throw std::runtime_error{"OpenSSL cannot compute SHA-256; check its installation"};
  return hexadecimal(out);
}

std::string channel_token(const secret& channel_secret, std::string_view channel_id) {
  digest out{};
  auto key = channel_secret.reveal();
  if (!HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes_of(channel_id), channel_id.size(),
            out.data(), nullptr))
    throw std::runtime_error{"OpenSSL cannot compute HMAC-SHA256; check its installation"};
  return hexadecimal(out);
}

} // namespace herald
