// The herald program with a fuse: it kills itself with SIGKILL at a chosen durable step.
//
//   HERALD_FAILPOINT=STEP:WHEN:N   STEP is one of open_window, claim, seal, send, record (e-mail), begin_run, chunk,
//                                  finish_run (jobs), refresh, watch, stop, keep (calendars); WHEN is before or
//                                  after; N counts the calls that do something, from 1
#include <array>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <unistd.h>

#include "app/cli.hpp"

namespace {

using namespace herald;

/// Where to die. Shared by all connections of the program.
class fuse {
public:
  explicit fuse(std::string_view text) {
    auto first = text.find(':');
    auto second = text.find(':', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos)
      return;
    step_ = text.substr(0, first);
    when_ = text.substr(first + 1, second - first - 1);
    left_ = std::atoi(std::string{text.substr(second + 1)}.c_str());
  }

  void burn(std::string_view step, std::string_view when) {
    if (step == step_ && when == when_ && --left_ == 0) {
      kill(getpid(), SIGKILL);
      pause();
    }
  }

private:
  std::string step_;
  std::string when_;
  int left_ = 0;
};

using fuse_ptr = std::shared_ptr<fuse>;

class fused_store final : public pipeline_store {
public:
  fused_store(std::unique_ptr<pipeline_store> inner, fuse_ptr f)
      : inner_{std::move(inner)}, fuse_{std::move(f)} {}

  template <class Call> auto around(std::string_view step, bool counts, Call call) {
    if (counts)
      fuse_->burn(step, "before");
    auto out = call();
    if (counts)
      fuse_->burn(step, "after");
    return out;
  }

  result<claimed_batch> claim(const claim_request& x) override { return inner_->claim(x); }
  result<commit_report> commit(const commit_request& x) override { return inner_->commit(x); }
  result<std::vector<claim_ref>> renew(const renew_request& x) override { return inner_->renew(x); }
  result<std::uint64_t> release(const release_request& x) override { return inner_->release(x); }

  result<window_report> open_window(const open_window_request& x) override {
    return around("open_window", true, [&] { return inner_->open_window(x); });
  }

  result<claimed_outbox> claim_outbox(const outbox_claim_request& x) override {
    // Only a claim that found something counts, so there is no "before" to tell from an idle look.
    auto out = inner_->claim_outbox(x);
    if (out && (!out->mails.empty() || !out->envelopes.empty()))
      fuse_->burn("claim", "after");
    return out;
  }

  result<sealed_batch> seal(const seal_request& x) override {
    return around("seal", !x.envelopes.empty(), [&] { return inner_->seal(x); });
  }

  result<record_report> record(const record_request& x) override {
    return around("record", true, [&] { return inner_->record(x); });
  }

  result<std::uint64_t> release_outbox(const outbox_release_request& x) override {
    return inner_->release_outbox(x);
  }
  result<std::uint64_t> purge_bodies(const purge_request& x) override { return inner_->purge_bodies(x); }
  result<sender_share> report_sender(const sender_report& x) override { return inner_->report_sender(x); }

  result<std::vector<job_state>> open_jobs(const open_jobs_request& x) override {
    return inner_->open_jobs(x);
  }

  result<begun_run> begin_run(const begin_run_request& x) override {
    return around("begin_run", true, [&] { return inner_->begin_run(x); });
  }

  result<bool> finish_run(const finish_run_request& x) override {
    return around("finish_run", true, [&] { return inner_->finish_run(x); });
  }

  result<std::vector<job_run>> job_runs(std::uint32_t limit) override { return inner_->job_runs(limit); }

  result<due_watches> find_due_watches(const due_watches_request& x) override {
    return inner_->find_due_watches(x);
  }

  result<watches_recorded> record_watches(const record_watches_request& x) override {
    return around("keep", true, [&] { return inner_->record_watches(x); });
  }

  result<watch_summary> summarize_watches(timestamp now) override { return inner_->summarize_watches(now); }

  result<job_chunk> remind_of_meetings(const meeting_reminders_request& x) override {
    return around("chunk", true, [&] { return inner_->remind_of_meetings(x); });
  }

  result<job_chunk> nudge_unread_threads(const unread_nudges_request& x) override {
    return around("chunk", true, [&] { return inner_->nudge_unread_threads(x); });
  }

  result<job_chunk> nudge_incomplete_resumes(const resume_nudges_request& x) override {
    return around("chunk", true, [&] { return inner_->nudge_incomplete_resumes(x); });
  }

private:
  std::unique_ptr<pipeline_store> inner_;
  fuse_ptr fuse_;
};

class fused_transport final : public mail_transport {
public:
  fused_transport(std::unique_ptr<mail_transport> inner, fuse_ptr f)
      : inner_{std::move(inner)}, fuse_{std::move(f)} {}

  mail_answer send(const mail_request& x) override {
    fuse_->burn("send", "before");
    auto out = inner_->send(x);
    fuse_->burn("send", "after");
    return out;
  }

private:
  std::unique_ptr<mail_transport> inner_;
  fuse_ptr fuse_;
};

class fused_calendar final : public calendar_api {
public:
  fused_calendar(std::unique_ptr<calendar_api> inner, fuse_ptr f)
      : inner_{std::move(inner)}, fuse_{std::move(f)} {}

  calendar_answer call(const calendar_call& x) override {
    static constexpr std::array steps{"refresh", "watch", "stop"};
    auto step = steps.at(x.index());
    fuse_->burn(step, "before");
    auto out = inner_->call(x);
    fuse_->burn(step, "after");
    return out;
  }

private:
  std::unique_ptr<calendar_api> inner_;
  fuse_ptr fuse_;
};

} // namespace

int main(int argc, char** argv) {
  auto* text = std::getenv("HERALD_FAILPOINT");
  auto lit = std::make_shared<fuse>(text ? text : "");
  program_hooks hooks;
  hooks.around_store = [lit](std::unique_ptr<pipeline_store> x) -> std::unique_ptr<pipeline_store> {
    return std::make_unique<fused_store>(std::move(x), lit);
  };
  hooks.around_transport = [lit](std::unique_ptr<mail_transport> x) -> std::unique_ptr<mail_transport> {
    return std::make_unique<fused_transport>(std::move(x), lit);
  };
  hooks.around_calendar = [lit](std::unique_ptr<calendar_api> x) -> std::unique_ptr<calendar_api> {
    return std::make_unique<fused_calendar>(std::move(x), lit);
  };
  return run_command_line(argc, argv, hooks);
}
