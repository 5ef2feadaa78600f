#include "app/attendant.hpp"

#include <utility>

#include "app/store_setup.hpp"

namespace herald {

namespace {

/// How soon a restart is written down.
constexpr duration look_around{500};

} // namespace

attendant::attendant(const configuration& cfg, session& pipeline, std::string worker, logger log)
    : cfg_{cfg}, pipeline_{pipeline}, worker_{std::move(worker)}, log_{std::move(log)},
      changes_{watch_store(cfg.store, log_)}, thread_{[this] { watch(); }} {
  // nop
}

attendant::~attendant() {
  stop();
}

void attendant::interrupt() {
  stopping_ = true;
  changes_->interrupt();
}

void attendant::stop() {
  if (!thread_.joinable())
    return;
  interrupt();
  thread_.join();
}

void attendant::watch() {
  while (!stopping_) {
    auto changed = changes_->wait(look_around);
    if (changed.events || changed.emails)
      pipeline_.wake(changed.events, changed.emails);
    record();
  }
}

void attendant::record() {
  if (cfg_.writer.dry_run)
    return;
  for (auto& x : pipeline_.supervision().take_new())
    if (x.what != "started" && x.what != "stopped")
      unrecorded_.push_back({x.at, worker_, x.supervisor, x.child, x.what, x.reason});
  if (unrecorded_.empty())
    return;
  if (!store_) {
    auto opened = open_store_briefly(cfg_.store);
    if (!opened)
      return;
    store_ = std::move(*opened);
  }
  if (store_->record_supervision(unrecorded_))
    unrecorded_.clear();
  else
    store_.reset();
}

} // namespace herald
