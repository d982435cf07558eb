#include "plugin/commit/committer.h"

#include <algorithm>

#include "plugin/base/clock.h"
#include "plugin/base/default_floats.h"
#include "plugin/base/prepare_exceptions.h"
#include "plugin/base/signals.h"

namespace aimlog {
namespace {

using std::chrono::milliseconds;

// How often the ring's fill is looked at, while events come and while they do not.
constexpr milliseconds busy_tick{5};
constexpr milliseconds idle_tick{50};
// The next part of the ring is kept writable.
constexpr uint64_t prepare_bytes = uint64_t{1} << 20;
// A failed commit is tried again after this, doubled each time up to the second number.
constexpr milliseconds retry_first{100};
constexpr milliseconds retry_last{5000};

int64_t to_ns(milliseconds time) { return std::chrono::nanoseconds(time).count(); }

}  // namespace

Committer::Committer(std::shared_ptr<Environment> environment, Ring& ring, Handover& handover,
                     Log& log, CommitterOptions options)
    : ring_(ring),
      handover_(handover),
      log_(log),
      options_(options),
      batches_(std::move(environment), ring, handover, log) {
  const SignalsBlocked blocked;  // a host's handler, or a file's size limit, has no business there
  thread_ = std::thread([this] { run(); });
}

Committer::~Committer() {
  if (thread_.joinable()) {
    handover_.request_stop();
    thread_.join();
  }
}

bool Committer::stop(milliseconds timeout) {
  handover_.request_stop();
  {
    std::unique_lock lock(mutex_);
    if (!done_changed_.wait_for(lock, timeout, [&] { return done_; })) return false;
  }
  if (thread_.joinable()) thread_.join();
  return true;
}

uint64_t Committer::pending_age_ms() const {
  const int64_t since = batches_.nothing_pending_ns();  // first, or it could be later than now
  return static_cast<uint64_t>(monotonic_ns() - since) / 1000000;
}

void Committer::abandon() {
  thread_.detach();
  const std::lock_guard lock(mutex_);
  abandoned_ = true;
  if (done_) ring_.let_go();
}

void Committer::run() {
  const DefaultFloats floats;
  prepare_exceptions();
  try {
    loop();
  } catch (const std::exception& error) {
    give_up(error.what());
  } catch (...) {
    give_up("the committer met an unknown exception");
  }
  log_.close_file();
  // Notified under the lock: the owner may free all of this as soon as it sees the flag.
  const std::lock_guard lock(mutex_);
  if (abandoned_) ring_.let_go();
  done_ = true;
  done_changed_.notify_all();
}

void Committer::give_up(const char* problem) noexcept {
  handover_.set_broken(problem);
  log_.write(Severity::error, "nothing more is committed: ", problem);
}

void Committer::loop() {
  batches_.recover();
  milliseconds tick = busy_tick;
  while (!handover_.stop_requested()) {
    log_.write_file();
    ring_.prepare_ahead(prepare_bytes);
    const bool wanted = handover_.wait_for_work(tick);
    const bool pending = batches_.look_for_pending(monotonic_ns());
    tick = pending ? busy_tick : idle_tick;
    if (!pending || !is_due(wanted)) continue;
    Step step = Step::more;
    while (step == Step::more) step = batches_.commit_batch(false);
    if (step == Step::failed) {
      tick = std::min(retry_last, retry_first * (1 << std::min(batches_.failures() - 1, 10u)));
    }
  }
  finish();
}

// The first record is the session's: it is committed at once, for a job is this instance's, and
// seen to be by others, only from then on.
bool Committer::is_due(bool wanted) const {
  return wanted || batches_.failures() > 0 || batches_.applied().sequence == 0 ||
         ring_.used_bytes() >= ring_.data_bytes() / 4 ||
         monotonic_ns() - batches_.last_commit_ns() >= to_ns(options_.interval);
}

void Committer::finish() {
  const int64_t deadline = monotonic_ns() + to_ns(options_.close_timeout);
  while (true) {
    const bool nothing_recorded = ring_.published_sequence() == 0;
    const Step step = nothing_recorded ? Step::idle : batches_.commit_batch(true);
    if (step == Step::idle) break;
    if (step == Step::failed) {
      if (monotonic_ns() >= deadline) return;  // the ring stays for whoever opens the repo next
      std::this_thread::sleep_for(std::min(retry_first, options_.close_timeout));
    }
  }
  finished_clean_.store(true, std::memory_order_release);
  try {
    batches_.remove_ring();
  } catch (const std::exception& error) {
    log_.write(
        Severity::warning,
        "all is recorded, but the journal stays for whoever opens the repo next: ", error.what());
  }
}

}  // namespace aimlog
