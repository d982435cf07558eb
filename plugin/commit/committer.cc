#include "plugin/commit/committer.h"

#include <sys/stat.h>

#include <algorithm>

#include "plugin/base/clock.h"
#include "plugin/commit/apply_event.h"
#include "plugin/commit/recovery.h"
#include "plugin/commit/ring_liveness.h"
#include "plugin/store/journal_table.h"
#include "plugin/store/tail_table.h"

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
    : environment_(std::move(environment)),
      ring_(ring),
      handover_(handover),
      log_(log),
      options_(options),
      image_(ring.id()),
      last_commit_ns_(monotonic_ns()),
      nothing_pending_ns_(last_commit_ns_),
      thread_([this] { run(); }) {}

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
  thread_.join();
  return true;
}

uint64_t Committer::pending_age_ms() const {
  return static_cast<uint64_t>(monotonic_ns() - nothing_pending_ns_.load()) / 1000000;
}

void Committer::abandon() { thread_.detach(); }

void Committer::run() {
  try {
    loop();
  } catch (const std::exception& error) {
    handover_.set_broken(error.what());
  } catch (...) {
    handover_.set_broken("the committer met an unknown exception");
  }
  // Notified under the lock: the owner may free all of this as soon as it sees the flag.
  const std::lock_guard lock(mutex_);
  done_ = true;
  done_changed_.notify_all();
}

void Committer::loop() {
  recover();
  milliseconds tick = busy_tick;
  while (!handover_.stop_requested()) {
    ring_.prepare_ahead(prepare_bytes);
    const bool wanted = handover_.wait_for_work(tick);
    const int64_t now = monotonic_ns();
    const bool pending = ring_.published_sequence() != applied_.sequence;
    if (!pending) nothing_pending_ns_ = now;
    tick = pending ? busy_tick : idle_tick;
    if (!pending || !is_due(wanted)) continue;
    Step step = Step::more;
    while (step == Step::more) step = commit_batch(false);
    if (step == Step::failed) {
      tick = std::min(retry_last, retry_first * (1 << std::min(failures_ - 1, 10u)));
    }
  }
  finish();
}

// The first record is the session's: it is committed at once, for a job is this instance's, and
// seen to be by others, only from then on.
bool Committer::is_due(bool wanted) const {
  return wanted || failures_ > 0 || applied_.sequence == 0 ||
         ring_.used_bytes() >= ring_.data_bytes() / 4 ||
         monotonic_ns() - last_commit_ns_ >= to_ns(options_.interval);
}

// Journals of the dead come first: which job is left over is known only when they are applied.
void Committer::recover() {
  try {
    const RecoveryReport report = recover_dead_journals(*environment_);
    if (report.journals_replayed > 0) {
      log_.write(Severity::info, "replayed " + std::to_string(report.journals_replayed) +
                                     " journals that dead processes left behind: " +
                                     std::to_string(report.events_replayed) + " events, " +
                                     std::to_string(report.runs_crashed) + " runs marked crashed");
    }
    for (const std::string& problem : report.problems) log_.write(Severity::warning, problem);
  } catch (const std::exception& error) {
    log_.write(Severity::warning, std::string("journals of dead processes wait: ") + error.what());
  }
}

Committer::Step Committer::commit_batch(bool last) {
  const int64_t begun_ns = monotonic_ns();
  try {
    check_repo_still_there();
    with_write_transaction(*environment_, [&](WriteTransaction& txn) {
      // The image is true only for what was committed; the work may be begun again when the map
      // grows.
      if (!image_valid_) image_.reload(txn);
      image_valid_ = false;
      lost_ = 0;
      // Where the store says we are, not where we believe to be: a commit that failed may have come
      // through.
      next_ = {image_.row.applied.sequence, image_.row.applied.offset};
      apply_records(txn);
      lost_ += image_.results_undecodable + image_.others_undecodable;
      finish_batch(txn, image_, {next_.sequence, next_.offset}, last && !more_);
    });
  } catch (const Error& error) {
    // A store that cannot be trusted is left alone, and this thread ends: until it does, LMDB's own
    // lock may be kept from other processes. The ring keeps what is pending.
    if (error.code() == ErrorCode::corrupt) throw;
    const bool reopen = error.code() == ErrorCode::io || error.code() == ErrorCode::internal;
    handle_failure(error, reopen);
    return Step::failed;
  } catch (const std::exception& error) {
    handle_failure(error, false);
    return Step::failed;
  }
  image_valid_ = true;
  handover_.add_lost(lost_);
  applied_ = next_;
  ring_.release(applied_);
  last_commit_ns_ = monotonic_ns();
  if (!more_) nothing_pending_ns_ = begun_ns;  // what is not in this batch came after that
  failures_ = 0;
  handover_.set_durable(applied_.sequence);
  return more_ ? Step::more : Step::idle;
}

void Committer::apply_records(WriteTransaction& txn) {
  const uint64_t start = next_.offset;
  const RingDamage before = ring_.damage();
  const IsLive is_live = is_ring_live(*environment_);
  EventApplier applier(txn, image_, is_live);
  RingRecord record;
  more_ = false;
  while (ring_.read(next_, record)) {
    applier.apply(static_cast<EventType>(record.type), record.end.sequence, record.payload);
    next_ = record.end;
    more_ = next_.offset - start >= batch_bytes_max;
    if (more_) break;
  }
  lost_ = record_damage(txn, image_, before, ring_.damage());
}

// The slots stay as they are: the same records are applied again when the store can be written.
void Committer::handle_failure(const std::exception& error, bool reopen) {
  ++failures_;
  image_valid_ = false;
  handover_.set_failing(error.what());
  log_.write_limited("commit", Severity::warning,
                     std::string("a commit failed and is tried again: ") + error.what());
  if (!reopen) return;
  try {
    environment_->reopen();
  } catch (const std::exception& again) {
    log_.write_limited("reopen", Severity::warning,
                       std::string("the store cannot be opened again: ") + again.what());
  }
}

// LMDB goes on writing into a file that was unlinked, and says nothing.
void Committer::check_repo_still_there() const {
  struct stat found;
  if (::stat(environment_->paths().data.c_str(), &found) != 0) {
    throw Error(ErrorCode::not_found, "the repo is gone: " + environment_->paths().data.string() +
                                          " was removed while it was being written");
  }
}

void Committer::finish() {
  const int64_t deadline = monotonic_ns() + to_ns(options_.close_timeout);
  while (true) {
    const bool nothing_recorded = ring_.published_sequence() == 0;
    const Step step = nothing_recorded ? Step::idle : commit_batch(true);
    if (step == Step::idle) break;
    if (step == Step::failed) {
      if (monotonic_ns() >= deadline) return;  // the ring stays for whoever opens the repo next
      std::this_thread::sleep_for(std::min(retry_first, options_.close_timeout));
    }
  }
  finished_clean_.store(true, std::memory_order_release);
  ring_.remove();
  if (ring_.published_sequence() == 0) return;
  with_write_transaction(*environment_, [&](WriteTransaction& txn) {
    erase_journal_tails(txn, image_.row.number);
    erase_journal(txn, ring_.id());
  });
}

}  // namespace aimlog
