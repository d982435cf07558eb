#include <algorithm>
#include <iterator>

#include "plugin/commit/apply_event.h"
#include "plugin/commit/seal_run.h"
#include "plugin/store/journal_table.h"
#include "plugin/store/run_table.h"
#include "plugin/store/tail_table.h"

namespace aimlog {
namespace {

// A run is sealed when so many results of it wait.
constexpr size_t seal_rows = 1024;
// All tails of a journal together; beyond it the runs in the oldest tails are sealed.
constexpr uint64_t tail_bytes_max = uint64_t{64} << 20;
// Of the rows of one tail: packed they take about a third, so that what is left free of the
// last page does not matter.
constexpr size_t tail_rows_bytes = size_t{192} << 10;

// Puts the rows that are in no tail yet into new ones.
class TailWriter {
 public:
  TailWriter(WriteTransaction& txn, JournalImage& image) : txn_(txn), image_(image) {}

  void add(LiveRun& run, LiveRun::PendingRow& row) {
    const size_t before = bytes_.size();
    append_tail_row(bytes_, {run.number, row.attempt, row.sequence, row.shape, run.result(row)});
    if (bytes_.size() > tail_rows_bytes && rows_ > 0) {
      const Bytes last = bytes_.substr(before);
      bytes_.resize(before);
      put();
      bytes_ = last;
    }
    row.tail = image_.row.next_tail + 1;
    ++rows_;
  }

  void put() {
    if (rows_ == 0) return;
    const uint64_t number = ++image_.row.next_tail;
    put_tail(txn_, image_.row.number, number, bytes_, zstd_);
    image_.tails.push_back({number, bytes_.size(), rows_});
    image_.tail_bytes += bytes_.size();
    bytes_.clear();
    rows_ = 0;
  }

 private:
  WriteTransaction& txn_;
  JournalImage& image_;
  ZstdCompressor zstd_;
  Bytes bytes_;
  uint64_t rows_ = 0;
};

void put_losses(WriteTransaction& txn, JournalImage& image) {
  if (image.results_undecodable + image.others_undecodable == 0) return;
  LossRow loss;
  loss.kind = LossKind::undecodable;
  loss.job = image.row.job;
  loss.journal = image.row.number;
  loss.results = image.results_undecodable;
  loss.others = image.others_undecodable;
  add_loss(txn, loss);
  image.results_undecodable = image.others_undecodable = 0;
}

void put_rows(WriteTransaction& txn, LiveRun& run) {
  if (!run.dirty) return;
  put_run(txn, run.number, run.row);
  if (run.attempt_number > 0) put_attempt(txn, run.number, run.attempt_number, run.attempt);
  run.dirty = false;
}

// Runs whose rows stand in the oldest tails are sealed until the tails are small enough.
void seal_oldest(WriteTransaction& txn, JournalImage& image) {
  while (image.tail_bytes > tail_bytes_max && !image.tails.empty()) {
    const uint64_t oldest = image.tails.front().number;
    for (auto& [number, run] : image.runs) {
      if (!run.pending.empty() && run.pending.front().tail == oldest) seal_run(txn, image, run);
    }
    AIMLOG_CHECK(image.tails.empty() || image.tails.front().number != oldest);
  }
}

}  // namespace

uint64_t record_damage(WriteTransaction& txn, const JournalImage& image, const RingDamage& before,
                       const RingDamage& now) {
  const uint64_t missing = now.records_missing - before.records_missing;
  if (missing == 0 && now.bytes_skipped == before.bytes_skipped) return 0;
  LossRow loss;
  loss.kind = LossKind::damaged;
  loss.job = image.row.job;
  loss.journal = image.row.number;
  // What the records were cannot be told; bytes that were skipped held one at least.
  loss.others = std::max<uint64_t>(missing, 1);
  add_loss(txn, loss);
  return loss.others;
}

void finish_batch(WriteTransaction& txn, JournalImage& image, const AppliedPosition& position,
                  bool everything) {
  if (image.row.number == 0) image.row.number = next_journal_number(txn);
  TailWriter tails(txn, image);
  for (auto& [number, run] : image.runs) {
    if (everything || run.ended || run.pending.size() >= seal_rows) seal_run(txn, image, run);
    // Rows that are in no tail yet are the last ones.
    auto row = run.pending.end();
    while (row != run.pending.begin() && std::prev(row)->tail == 0) --row;
    for (; row != run.pending.end(); ++row) tails.add(run, *row);
  }
  tails.put();
  seal_oldest(txn, image);
  for (auto& [number, run] : image.runs) put_rows(txn, run);
  std::erase_if(image.runs, [&](const auto& entry) {
    const LiveRun& run = entry.second;
    if (!run.ended || !run.pending.empty()) return false;
    image.trials.erase(trial_key(run.row.trial_id));
    return true;
  });
  put_losses(txn, image);
  image.row.applied = position;
  put_journal(txn, image.ring, image.row);
}

}  // namespace aimlog
