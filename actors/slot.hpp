// The stable address of a restartable stage: a bounded queue that survives the stage's crashes.
//
// Neighbours know slots, never workers. A slot has the message interface of its worker:
//  - a request with a T is queued, forwarded as it is, and answered with the worker's own answer once there
//  is one. What
//    a dying worker leaves unanswered is delivered again, in order, to the next one: at least once;
//  - everything else is passed through with its sender and message id. While no worker runs, signals are
//  dropped and
//    requests answered with caf::sec::request_receiver_down. A worker that dies with such a request in its
//    hands leaves it unanswered, so these need a finite timeout.
//
// Blame is exact. A worker that throws answers just the request it was working on with an error; what else
// was in its mailbox bounces. Only an error answer that is no bounce is held against a request.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <utility>

#include "actors/caf_compat.hpp"
#include "actors/front.hpp"
#include "messages/time.hpp"

namespace herald {

// -- configuration ------------------------------------------------------------------------------------------

struct slot_options {
  /// Requests at the worker, or waiting to be tried there again, at a time (at least 1).
  std::size_t window = 4;
  /// Requests accepted and not yet answered (at least 1); beyond that callers get the overloaded error.
  std::size_t max_queue = 1024;
  /// Error answers for one request before the error goes to its sender unchanged; 1 means at once.
  std::uint32_t max_blame = 3;
  /// Deaths of the worker that one request may outlive unanswered before it is given up as abandoned (at
  /// least 1). A backstop for crashes that nobody can be blamed for.
  std::uint32_t max_deliveries = 100;
  /// Pause before a request that was answered with an error is delivered again; doubles with each further
  /// error.
  duration retry_delay{50};
  /// Upper bound of that pause.
  duration retry_delay_max{5'000};
  /// Says which errors are nobody's fault, e.g. an outage: the request is tried until it is answered
  /// otherwise. Must not throw. Empty means none.
  std::function<bool(const caf::error&)> blameless;
};

/// Nothing when the options make sense, else an error that names the bad field.
caf::error validate(const slot_options&);

struct slot_stats {
  std::uint64_t acked = 0;       ///< requests answered with the worker's acknowledgement
  std::uint64_t failed = 0;      ///< accepted requests answered with an error
  std::uint64_t redelivered = 0; ///< deliveries beyond the first of each request
  std::uint64_t blamed = 0;      ///< error answers held against a request
  std::uint64_t rejected = 0;    ///< requests not accepted: the queue was full, or the stage is gone for good
  std::uint64_t queued = 0;      ///< accepted and not yet answered, now
  std::uint64_t max_queued = 0;  ///< the highest `queued` so far
  std::uint64_t in_flight = 0;   ///< of these, at the worker now
};

HERALD_ATOM(slot_stats, "slotStats") // answers slot_stats
HERALD_ATOM(slot_retry,
            "slotRetry") // INTERNAL: + sequence number, generation: the pause of this request is over

/// Whether a slot refused a request because its queue is full; worth asking again later.
bool is_overloaded(const caf::error&);

/// Whether a slot gave a request up because worker after worker died without an answer to it.
bool is_abandoned(const caf::error&);

namespace detail {

caf::error overloaded(std::size_t max_queue);
caf::error abandoned(std::uint32_t deliveries, const std::string& last_reason);
caf::error receiver_down();

/// Whether the request came back because its receiver was dead, unread.
bool is_bounce(const caf::error&);

/// `first` doubled `failures` times, at most `limit`.
duration retry_pause(duration first, duration limit, std::uint32_t failures);

} // namespace detail

} // namespace herald

HERALD_LOCAL_MESSAGE(herald::slot_stats)

namespace herald {

// -- the actor ----------------------------------------------------------------------------------------------

/// `T` is a message that is cheap to copy, e.g. a shared_ptr to const; `Ack` is what the worker answers.
template <class T, class Ack> class slot_state {
public:
  static constexpr const char* name = "slot";

  explicit slot_state(caf::event_based_actor* self) : self_{self} { act::harden(self); }

  caf::behavior make_behavior(slot_options options);

private:
  enum class phase : std::uint8_t { queued, at_worker, pausing };

  struct entry {
    std::uint64_t sequence = 0;
    T job;
    caf::typed_response_promise<Ack> promise;
    slot_state::phase phase = slot_state::phase::queued;
    std::uint32_t deliveries = 0;
    std::uint32_t unanswered = 0; ///< deliveries that ended with the worker's death
    std::uint32_t failures = 0;   ///< error answers since the worker came up
    std::uint32_t blamed = 0;
  };

  using iterator = typename std::deque<entry>::iterator;

  // -- message handlers -------------------------------------------------------------------------------------
  caf::result<Ack> on_job(const T& job);
  void on_up(const caf::actor& worker);
  void on_down(const caf::error& reason);
  void on_gone(const caf::error& reason);
  void on_retry(std::uint64_t sequence, std::uint64_t generation);
  slot_stats on_stats() const;
  caf::result<caf::message> on_other(caf::message_view& x);
  void on_exit(caf::exit_msg& x);

  // -- answers of the worker --------------------------------------------------------------------------------
  void on_ack(std::uint64_t sequence, Ack& ack);
  void on_error(std::uint64_t sequence, std::uint64_t generation, caf::error& error);

  // -- helpers ----------------------------------------------------------------------------------------------
  void pump();
  void deliver(entry& x);
  void pause(entry& x);
  void requeue_all();
  void give_up_lost(const caf::error& reason);
  iterator fail(iterator i, caf::error error);
  void fail_all(const caf::error& error);
  iterator erase(iterator i);
  iterator find(std::uint64_t sequence);
  bool is_blameless(const caf::error& error) const;

  // -- member variables -------------------------------------------------------------------------------------
  caf::event_based_actor* self_;
  slot_options options_;
  caf::actor worker_;
  bool gone_ = false;
  /// Ascending by sequence. The first `active_` entries are at the worker or pausing, the others queued.
  std::deque<entry> queue_;
  std::size_t active_ = 0;
  std::uint64_t next_sequence_ = 1;
  /// Counts comings and goings of workers: an error of an earlier one decides nothing any more.
  std::uint64_t generation_ = 0;
  slot_stats stats_;
};

/// Stands in front of a worker that a supervisor starts and restarts. Told to exit, it answers what it still
/// holds with caf::sec::request_receiver_down; killed, it leaves it unanswered.
template <class T, class Ack>
caf::behavior slot(caf::stateful_actor<slot_state<T, Ack>>* self, slot_options options) {
  return self->state.make_behavior(std::move(options));
}

// -- implementation -----------------------------------------------------------------------------------------

template <class T, class Ack> caf::behavior slot_state<T, Ack>::make_behavior(slot_options options) {
  if (auto error = validate(options)) {
    self_->quit(std::move(error));
    return {};
  }
  options_ = std::move(options);
  self_->set_default_handler([this](caf::scheduled_actor*, caf::message_view& x) { return on_other(x); });
  self_->set_exit_handler([this](caf::exit_msg& x) { on_exit(x); });
  return {
      [this](const T& job) { return on_job(job); },
      [this](child_up_atom, const caf::actor& worker) { on_up(worker); },
      [this](child_down_atom, const caf::error& reason) { on_down(reason); },
      [this](child_gone_atom, const caf::error& reason) { on_gone(reason); },
      [this](slot_retry_atom, std::uint64_t sequence, std::uint64_t generation) {
        on_retry(sequence, generation);
      },
      [this](slot_stats_atom) { return on_stats(); },
  };
}

template <class T, class Ack> caf::result<Ack> slot_state<T, Ack>::on_job(const T& job) {
  if (gone_ || queue_.size() >= options_.max_queue) {
    ++stats_.rejected;
    return gone_ ? detail::receiver_down() : detail::overloaded(options_.max_queue);
  }
  auto promise = self_->template make_response_promise<Ack>();
  queue_.push_back(entry{next_sequence_++, job, promise});
  stats_.max_queued = std::max<std::uint64_t>(stats_.max_queued, queue_.size());
  pump();
  return promise;
}

template <class T, class Ack> void slot_state<T, Ack>::on_up(const caf::actor& worker) {
  worker_ = worker;
  gone_ = false;
  requeue_all();
  pump();
}

template <class T, class Ack> void slot_state<T, Ack>::on_down(const caf::error& reason) {
  worker_ = nullptr;
  for (std::size_t i = 0; i < active_; ++i)
    if (queue_[i].phase == phase::at_worker)
      ++queue_[i].unanswered;
  requeue_all();
  give_up_lost(reason);
}

template <class T, class Ack> void slot_state<T, Ack>::on_gone(const caf::error&) {
  worker_ = nullptr;
  gone_ = true;
  requeue_all();
  fail_all(detail::receiver_down());
}

template <class T, class Ack>
void slot_state<T, Ack>::on_retry(std::uint64_t sequence, std::uint64_t generation) {
  if (generation != generation_)
    return;
  if (auto i = find(sequence); i != queue_.end())
    deliver(*i);
}

template <class T, class Ack> slot_stats slot_state<T, Ack>::on_stats() const {
  auto result = stats_;
  result.queued = queue_.size();
  result.in_flight = static_cast<std::uint64_t>(std::count_if(
      queue_.begin(), queue_.end(), [](const entry& x) { return x.phase == phase::at_worker; }));
  return result;
}

template <class T, class Ack> caf::result<caf::message> slot_state<T, Ack>::on_other(caf::message_view& x) {
  if (worker_)
    return self_->delegate(worker_, x.move_content_to_message());
  // An error in answer to a signal would end up in the sender's mailbox as a stray.
  if (!self_->current_message_id().is_request())
    return caf::delegated<caf::message>{};
  return detail::receiver_down();
}

template <class T, class Ack> void slot_state<T, Ack>::on_exit(caf::exit_msg& x) {
  fail_all(detail::receiver_down());
  self_->quit(std::move(x.reason));
}

template <class T, class Ack> void slot_state<T, Ack>::on_ack(std::uint64_t sequence, Ack& ack) {
  // An acknowledgement counts whichever worker it comes from; a second one finds nothing.
  auto i = find(sequence);
  if (i == queue_.end())
    return;
  ++stats_.acked;
  i->promise.deliver(std::move(ack));
  erase(i);
  pump();
}

template <class T, class Ack>
void slot_state<T, Ack>::on_error(std::uint64_t sequence, std::uint64_t generation, caf::error& error) {
  // An earlier worker's error: the request has been, or will be, delivered to its successor anyway.
  if (generation != generation_)
    return;
  auto i = find(sequence);
  if (i == queue_.end())
    return;
  // A bounce mostly means that the worker is dying and the news is on its way; it may also be the answer of a
  // living worker that met a dead actor. Trying again after a pause is right in both cases.
  if (!detail::is_bounce(error) && !is_blameless(error)) {
    ++stats_.blamed;
    if (++i->blamed >= options_.max_blame) {
      fail(i, std::move(error));
      pump();
      return;
    }
  }
  pause(*i);
}

template <class T, class Ack> void slot_state<T, Ack>::pump() {
  while (worker_ && active_ < std::min(options_.window, queue_.size()))
    deliver(queue_[active_++]);
}

template <class T, class Ack> void slot_state<T, Ack>::deliver(entry& x) {
  x.phase = phase::at_worker;
  if (x.deliveries++ > 0)
    ++stats_.redelivered;
  // Unbounded on purpose: the worker's death is told by its supervisor, and only the worker knows how long it
  // needs.
  self_->request(worker_, caf::infinite, x.job)
      .then([this, sequence = x.sequence](Ack& ack) { on_ack(sequence, ack); },
            [this, sequence = x.sequence, generation = generation_](caf::error& error) {
              on_error(sequence, generation, error);
            });
}

template <class T, class Ack> void slot_state<T, Ack>::pause(entry& x) {
  x.phase = phase::pausing;
  auto delay = detail::retry_pause(options_.retry_delay, options_.retry_delay_max, x.failures++);
  self_->delayed_send(self_, delay, slot_retry_v, x.sequence, generation_);
}

template <class T, class Ack> void slot_state<T, Ack>::requeue_all() {
  ++generation_;
  for (std::size_t i = 0; i < active_; ++i) {
    queue_[i].phase = phase::queued;
    queue_[i].failures = 0;
  }
  active_ = 0;
}

template <class T, class Ack> void slot_state<T, Ack>::give_up_lost(const caf::error& reason) {
  for (auto i = queue_.begin(); i != queue_.end();) {
    if (i->unanswered < options_.max_deliveries) {
      ++i;
      continue;
    }
    i = fail(i, detail::abandoned(i->unanswered, act::text_of(reason, self_->system())));
  }
}

template <class T, class Ack>
typename slot_state<T, Ack>::iterator slot_state<T, Ack>::fail(iterator i, caf::error error) {
  ++stats_.failed;
  i->promise.deliver(std::move(error));
  return erase(i);
}

template <class T, class Ack> void slot_state<T, Ack>::fail_all(const caf::error& error) {
  while (!queue_.empty())
    fail(queue_.begin(), error);
}

template <class T, class Ack> typename slot_state<T, Ack>::iterator slot_state<T, Ack>::erase(iterator i) {
  if (static_cast<std::size_t>(i - queue_.begin()) < active_)
    --active_;
  return queue_.erase(i);
}

template <class T, class Ack>
typename slot_state<T, Ack>::iterator slot_state<T, Ack>::find(std::uint64_t sequence) {
  auto i = std::lower_bound(queue_.begin(), queue_.end(), sequence,
                            [](const entry& x, std::uint64_t value) { return x.sequence < value; });
  return i != queue_.end() && i->sequence == sequence ? i : queue_.end();
}

template <class T, class Ack> bool slot_state<T, Ack>::is_blameless(const caf::error& error) const {
  return options_.blameless && options_.blameless(error);
}

} // namespace herald
