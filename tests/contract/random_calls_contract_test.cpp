// Contract as a property: workers that commit, fail, stall, release and repeat themselves at random neither
// lose nor double anything.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "tests/contract/store_contract.hpp"

namespace herald::test {

namespace {

/// One worker that keeps every claim it ever got and uses them again and again.
class careless_worker {
public:
  explicit careless_worker(store_under_test store) : store_{std::move(store)} {
    value_of(store_.platform.insert_platform_rows(make_world(), t0));
  }

  /// Each number from 0 to 99 stands for one call; time passes in between.
  void act(int step) {
    now_ += std::chrono::seconds{step};
    if (step < 30)
      emit(step % 4);
    else if (step < 60)
      claim();
    else if (step < 65)
      value_of(store_.events.release({"worker", now_, {}}));
    else if (!held_.empty())
      settle(held_[static_cast<std::size_t>(step) % held_.size()], step);
  }

  void check_figures() {
    auto x = value_of(store_.operations.summarize());
    auto& chat = x.by_type["chat_message_sent"];
    RC_ASSERT(chat.events == emitted_);
    RC_ASSERT(chat.events == chat.completed + chat.dead + chat.pending + chat.expired);
    RC_ASSERT(chat.completed == completed_);
    RC_ASSERT(chat.notifications + chat.rolled_up == completed_);
    RC_ASSERT(x.roll_up_count == completed_);
    RC_ASSERT(x.notification_rows == (completed_ > 0 ? 1u : 0u));
  }

private:
  void emit(int n) {
    new_event event;
    event.type = "chat_message_sent";
    event.thread_id = ids::closing_thread;
    emitted_ +=
        value_of(store_.operations.insert_events(std::vector(static_cast<std::size_t>(n), event), now_))
            .size();
  }

  void claim() {
    claim_request x;
    x.worker = "worker";
    x.now = now_;
    x.limit = 3;
    auto batch = value_of(store_.events.claim(x));
    held_.insert(held_.end(), batch.events.begin(), batch.events.end());
  }

  void settle(const claimed_event& x, int step) {
    commit_request request{"worker", now_, {}, {}};
    if (step % 3 == 0)
      request.failures = {{{x.ref(), x.event.type, 0, 0, {failure_class::crash, "boom"}},
                           step % 2 == 0 ? std::optional{now_} : std::nullopt}};
    else
      request.batches = {std::make_shared<plan_batch>(plan_batch{{roll_up_plan(x, {ids::olga})}, {}})};
    auto report = value_of(store_.events.commit(request));
    RC_ASSERT(report.completed + report.retried + report.dead + report.lost == 1u);
    RC_ASSERT(report.notifications + report.rolled_up == report.completed);
    completed_ += report.completed;
  }

  store_under_test store_;
  timestamp now_ = t0;
  std::vector<claimed_event> held_;
  std::uint64_t emitted_ = 0;
  std::uint64_t completed_ = 0;
};

} // namespace

TEST_P(store_contract, figures_agree_after_any_sequence_of_calls) {
  rc::check([] {
    auto steps = *rc::gen::container<std::vector<int>>(30, rc::gen::inRange(0, 100));
    auto fresh = GetParam().make();
    auto worker = careless_worker{fresh->open()};
    for (auto step : steps)
      worker.act(step);
    worker.check_figures();
  });
}

} // namespace herald::test
