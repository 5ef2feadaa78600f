// The id of a row that the platform keys by UUID. Parsing is strict: payloads are hostile.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/uuid/uuid.hpp>

namespace herald {

using uuid = boost::uuids::uuid;

/// Accepts the canonical 36-character form alone (either case); anything else is no UUID.
std::optional<uuid> parse_uuid(std::string_view text);

/// Canonical lower-case form.
std::string to_string(const uuid& x);

/// Version 5 of RFC 9562: the same name in the same name space always gives the same id.
uuid name_based_uuid(const uuid& name_space, std::string_view name);

/// The platform's system account ("AI Underwriter"), which is never notified.
inline constexpr uuid nil_uuid{};

struct uuid_hash {
  std::size_t operator()(const uuid& x) const noexcept;
};

} // namespace herald
