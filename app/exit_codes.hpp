// What Herald's exit status means to whoever started it. The README has the same table.
#pragma once

namespace herald::exit_code {

inline constexpr int ok = 0;
/// The command could not do what it was asked; stderr says why.
inline constexpr int failed = 1;
/// The command line or the configuration is wrong; nothing was done.
inline constexpr int usage = 2;
/// The daemon stopped, and its deadline (or a second signal) cut work in flight short. Leases bring it back.
inline constexpr int cut_short = 3;
/// The root supervisor gave up: a stage kept crashing. The service manager should start Herald again.
inline constexpr int escalated = 70;

} // namespace herald::exit_code
