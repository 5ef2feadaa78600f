// Calls the Supabase store exactly as Herald does, for a comparison on the wire with the official client:
//   call_store URL KEY [bearer]
// Opens the store, gives back one claim, and prints what that came to. With `bearer` the key stands in Authorization
// whatever kind it is.
#include <iostream>
#include <stdexcept>
#include <string>

#include "adapters/store/supabase/supabase_store.hpp"

int main(int argc, char** argv) {
  try {
    if (argc != 3 && argc != 4)
      throw std::invalid_argument("usage: call_store URL KEY [bearer]");
    herald::supabase_options options;
    options.url = argv[1];
    options.service_role_key = herald::secret{argv[2]};
    if (argc == 4)
      options.bearer = true;
    auto store = herald::open_supabase_store(options);
    if (store.has_error())
      throw std::runtime_error(store.error().reason);
    auto given_back = (*store)->release({"worker-1", herald::from_epoch_ms(1'768'919'445'000), {{1, 2}}});
    if (given_back.has_error())
      throw std::runtime_error(given_back.error().reason);
    std::cout << *given_back << '\n';
    return 0;
  } catch (const std::exception& x) {
    std::cerr << x.what() << '\n';
    return 2;
  }
}
