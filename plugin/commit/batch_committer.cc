#include "plugin/commit/batch_committer.h"

#include "plugin/base/clock.h"
#include "plugin/commit/apply_event.h"
#include "plugin/commit/recovery.h"
#include "plugin/commit/ring_liveness.h"
#include "plugin/store/journal_table.h"
#include "plugin/store/tail_table.h"

namespace aimlog {

namespace {

// Another recovery is waited for again and again, as long as this in all: by then it was stopped.
constexpr std::chrono::milliseconds recovery_patience{200};
constexpr int64_t kept_out_ns_max = INT64_C(60'000'000'000);

}  // namespace

BatchCommitter::BatchCommitter(std::shared_ptr<Environment> environment, Ring& ring,
                               Handover& handover, Log& log)
    : environment_(std::move(environment)),
      ring_(ring),
      handover_(handover),
      log_(log),
      image_(ring.id()),
      last_commit_ns_(monotonic_ns()),
      made_ns_(last_commit_ns_),
      nothing_pending_ns_(last_commit_ns_) {
  image_.writer_lives = true;
}

void BatchCommitter::recover() {
  try {
    // Else journals of the repo that is there now would be replayed into files that nobody finds.
    check_repo_still_there();
    const RecoveryReport report = recover_dead_journals(*environment_, {}, recovery_patience);
    if (report.journals_replayed > 0) {
      log_.write(Severity::info, "replayed " + std::to_string(report.journals_replayed) +
                                     " journals that dead processes left behind: " +
                                     std::to_string(report.events_replayed) + " events, " +
                                     std::to_string(report.runs_crashed) + " runs marked crashed");
    }
    for (const std::string& problem : report.problems) log_.write(Severity::warning, problem);
    kept_out_ = report.kept_out && monotonic_ns() - made_ns_ < kept_out_ns_max;
    recovered_ = !kept_out_;
  } catch (const std::exception& error) {
    log_.write_limited("recovery", Severity::warning,
                       "journals of dead processes wait: ", error.what());
  }
}

BatchCommitter::Step BatchCommitter::commit_batch(bool last) {
  const int64_t begun_ns = monotonic_ns();
  uint64_t before = 0;  // the newest commit that this one comes after
  // Of a resumed job what it did last comes first, so whatever kept that back may be over now.
  if (!recovered_ && applied_.sequence == 0) recover();
  try {
    check_repo_still_there();
    expect_not_kept_out();
    with_write_transaction(*environment_, [&](WriteTransaction& txn) {
      // The image is true only for what was committed; the work may be begun again when the map
      // grows.
      before = txn.newest_commit();
      if (!image_valid_)
        image_.reload(txn);
      else if (before != image_commit_)
        image_.expect_changes();
      image_valid_ = false;
      lost_ = 0;
      // Where the store says we are, not where we believe to be: a commit that failed may have come
      // through.
      next_ = {image_.row.applied.sequence, image_.row.applied.offset};
      apply_records(txn, last);
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
  image_commit_ = before + 1;
  handover_.add_lost(lost_);
  applied_ = next_;
  ring_.release(applied_);
  last_commit_ns_ = monotonic_ns();
  if (!more_) nothing_pending_ns_ = begun_ns;  // what is not in this batch came after that
  failures_ = 0;
  handover_.set_durable(applied_.sequence);
  return more_ ? Step::more : Step::idle;
}

void BatchCommitter::apply_records(WriteTransaction& txn, bool last) {
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
  if (last && !more_ && next_.sequence != ring_.published_sequence())
    next_ = ring_.pass_over_rest(next_);
  if (last && !more_ && !image_.row.closed) applier.stop_open_runs();
  lost_ = record_damage(txn, image_, before, ring_.damage());
}

// The slots stay as they are: the same records are applied again when the store can be written.
void BatchCommitter::handle_failure(const std::exception& error, bool reopen) {
  ++failures_;
  image_valid_ = false;
  handover_.set_failing(error.what());
  log_.write_limited("commit", Severity::warning,
                     "a commit failed and is tried again: ", error.what());
  if (!reopen) return;
  try {
    environment_->reopen();
  } catch (const std::exception& again) {
    log_.write_limited("reopen", Severity::warning,
                       "the store cannot be opened again: ", again.what());
  }
}

// LMDB goes on writing into a file that was unlinked, and says nothing.
void BatchCommitter::check_repo_still_there() const {
  if (environment_->is_still_there()) return;
  throw Error(ErrorCode::not_found, "the repo is gone: " + environment_->paths().data.string() +
                                        " was removed, or replaced, while it was being written");
}

// What is being replayed looks alive, so a resumed job would go on in the one before it.
void BatchCommitter::expect_not_kept_out() const {
  if (!kept_out_ || applied_.sequence != 0) return;
  throw Error(ErrorCode::busy, "another process is replaying what dead ones left in " +
                                   environment_->paths().directory.string() +
                                   ", or was stopped while it did: if so, let it go on or end it");
}

void BatchCommitter::remove_ring() {
  ring_.remove();
  if (ring_.published_sequence() == 0) return;
  with_write_transaction(*environment_, [&](WriteTransaction& txn) {
    erase_journal_tails(txn, image_.row.number);
    erase_journal(txn, ring_.id());
  });
}

bool BatchCommitter::look_for_pending(int64_t now_ns) {
  const bool pending = ring_.published_sequence() != applied_.sequence;
  if (!pending) nothing_pending_ns_ = now_ns;
  return pending;
}

}  // namespace aimlog
