// Fixture and vocabulary of the suite for calendar watches; stores join it as they join store_contract.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/contract/job_contract.hpp"

namespace herald::test {

class watch_contract : public job_contract {
protected:
  using connection_row = platform_rows::calendar_connection_row;

  static constexpr auto day = std::chrono::hours{24};

  static constexpr uuid connection_id(std::uint8_t n) { return make_id(10, n); }

  /// Google, with synchronisation on and a channel that expires in twelve hours.
  static connection_row connection_no(std::uint8_t n) {
    connection_row out;
    out.id = connection_id(n);
    out.user_id = ids::olga;
    out.provider_account_id = "account " + std::to_string(n);
    out.access_token = "access " + std::to_string(n);
    out.refresh_token = "refresh " + std::to_string(n);
    out.token_expires_at = t0 + std::chrono::hours{1};
    out.calendar_list = R"([{"id":"a@example.com","name":"A","primary":true,"selected":true}])";
    out.watch_channel_id = "channel " + std::to_string(n);
    out.watch_resource_id = "resource " + std::to_string(n);
    out.watch_expiration = t0 + std::chrono::hours{12};
    return out;
  }

  void add(std::vector<connection_row> connections) {
    platform_rows rows;
    rows.calendar_connections = std::move(connections);
    auto done = store.platform.insert_platform_rows(rows, now);
    if (done.has_error())
      throw std::runtime_error(to_string(done.error()));
  }

  // -- updates ----------------------------------------------------------------------------------------------

  static watch_update planning(std::uint8_t n, std::string channel) {
    watch_update out;
    out.connection_id = connection_id(n);
    out.planned = std::move(channel);
    return out;
  }

  static watch_update creating(std::uint8_t n, std::string channel, std::string replaces) {
    watch_update out;
    out.connection_id = connection_id(n);
    out.created =
        watch_update::channel{std::move(channel), "new resource", t0 + 7 * day, std::move(replaces)};
    return out;
  }

  static watch_update troubled(std::uint8_t n, std::string reason, std::string refused_token = {}) {
    watch_update out;
    out.connection_id = connection_id(n);
    out.failed =
        watch_update::trouble{{failure_class::permanent, std::move(reason)}, std::move(refused_token)};
    return out;
  }

  /// With the refresh token that connection_no(n) has.
  static watch_update refreshing(std::uint8_t n, std::string access, std::string refresh) {
    watch_update out;
    out.connection_id = connection_id(n);
    out.token = watch_update::tokens{secret{std::move(access)}, secret{std::move(refresh)}, t0 + 2 * day,
                                     secret{"refresh " + std::to_string(n)}};
    return out;
  }

  // -- calls ------------------------------------------------------------------------------------------------

  due_watches due(std::optional<uuid> after = std::nullopt, std::uint32_t limit = 100) {
    return value_of(store.watches.find_due_watches({now, day, limit, after}));
  }

  run_ref run() {
    if (!run_)
      run_ = begin_by_hand(calendar_watches_job);
    return *run_;
  }

  std::vector<uuid> record(std::vector<watch_update> updates, std::string worker = "worker-1") {
    return value_of(store.watches.record_watches({run(), std::move(worker), now, std::move(updates)})).lost;
  }

  watch_summary watches() { return value_of(store.watches.summarize_watches(now)); }

  connection_row row(std::uint8_t n) { return backend->connection(connection_id(n)).value(); }

  watch_row kept(std::uint8_t n) {
    return backend->watch(connection_id(n)).value_or(watch_row{"no row", "", "", ""});
  }

private:
  std::optional<run_ref> run_;
};

} // namespace herald::test
