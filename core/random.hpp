// Reproducible randomness: a seeded generator that its owner holds by value; the same seed gives the same
// numbers.
#pragma once

#include <cstdint>
#include <limits>

namespace herald {

/// splitmix64 (Steele, Lea and Flood, 2014): every seed is a good seed. For jitter and simulation, not for
/// secrets. Belongs to one thread at a time.
class random_source {
public:
  explicit random_source(std::uint64_t seed) : state_{seed} {}

  /// Uniform over all 64-bit numbers.
  std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15ULL;
    auto z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }

  /// Uniform in [0, 1), in steps of 2⁻⁵³.
  double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

  /// Uniform in [0, n), without the bias of a bare remainder.
  /// @pre n ≥ 1
  std::uint64_t below(std::uint64_t n) {
    // The lowest 2^64 mod n numbers have one partner too many among the remainders: draw again.
    auto surplus = (std::numeric_limits<std::uint64_t>::max() - n + 1) % n;
    auto x = next();
    while (x < surplus)
      x = next();
    return x % n;
  }

private:
  std::uint64_t state_;
};

} // namespace herald
