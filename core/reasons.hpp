// Why a recipient was kept from a channel: the closed set of skip reasons that outcomes may carry.
#pragma once

#include <string_view>

namespace herald::reasons {

inline constexpr std::string_view is_actor = "is_actor";             ///< did it themselves
inline constexpr std::string_view system_account = "system_account"; ///< not a person
inline constexpr std::string_view no_profile = "no_profile";         ///< the user does not exist (any more)
inline constexpr std::string_view no_access = "no_access";           ///< may not see what it is about
inline constexpr std::string_view muted = "muted";                   ///< by the user's preferences
inline constexpr std::string_view not_an_owner = "not_an_owner"; ///< no longer an owner of the project's org
inline constexpr std::string_view already_nudged =
    "already_nudged"; ///< this tier was sent since the last edit
inline constexpr std::string_view not_an_upgrade = "not_an_upgrade"; ///< a change that is not view → edit
inline constexpr std::string_view duplicate = "duplicate"; ///< the same text stands in the same batch

// Of e-mails that were queued and whose reason was gone when it was their turn.
inline constexpr std::string_view withdrawn = "withdrawn";       ///< the platform deleted the row
inline constexpr std::string_view already_read = "already_read"; ///< the thread has no unread messages left
inline constexpr std::string_view resume_complete = "resume_complete"; ///< the resume was finished meanwhile

} // namespace herald::reasons
