// Several replicas at work at the same time.
#pragma once

#include <barrier>
#include <cstddef>
#include <exception>
#include <thread>
#include <vector>

#include "tests/contract/store_contract.hpp"

namespace herald::test {

/// Runs `work(replica, n)` for n = 0, 1, … at the same time, each with a connection of its own; hands on the first
/// failure.
template <class Work> void at_once(store_backend& backend, std::size_t replicas, Work work) {
  std::vector<store_under_test> stores;
  for (std::size_t n = 0; n < replicas; ++n)
    stores.push_back(backend.open());
  std::vector<std::exception_ptr> failures(replicas);
  std::barrier start{static_cast<std::ptrdiff_t>(replicas)};
  std::vector<std::thread> threads;
  for (std::size_t n = 0; n < replicas; ++n)
    threads.emplace_back([&, n] {
      start.arrive_and_wait();
      try {
        work(stores[n], n);
      } catch (...) {
        failures[n] = std::current_exception();
      }
    });
  for (auto& x : threads)
    x.join();
  for (auto& x : failures)
    if (x)
      std::rethrow_exception(x);
}

} // namespace herald::test
