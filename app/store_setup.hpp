// The store that the configuration names, for commands and for the pipeline.
#pragma once

#include <memory>
#include <string>

#include "adapters/store/store.hpp"
#include "config/configuration.hpp"
#include "messages/failure.hpp"

namespace herald {

/// Connects, or opens the file; without `may_create` a missing file is a failure. Fails as the stores' own
/// functions do.
result<std::unique_ptr<full_store>> open_store(const store_options& options, bool may_create);

/// The same for a bystander who must not keep its owner waiting: gives up after seconds.
result<std::unique_ptr<full_store>> open_store_briefly(const store_options& options);

/// What to call the store in messages; never with a password.
std::string describe(const store_options& options);

/// Makes sure, before anything runs, that the settings can be used at all. Connects to nothing.
result<void> check_store(const store_options& options);

} // namespace herald
