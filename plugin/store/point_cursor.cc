#include "plugin/store/point_cursor.h"

#include <algorithm>
#include <tuple>

#include "plugin/model/result_codec.h"
#include "plugin/store/keys.h"
#include "plugin/store/run_table.h"

namespace aimlog {

void PointCursor::enter(uint32_t attempt, JournalNumber journal) {
  if (attempt == attempt_ && journal == journal_) return;
  attempt_ = attempt;
  journal_ = journal;
  next_chunk_ = chunk_rows_ = rows_ = last_sequence_ = 0;
}

void PointCursor::visit_chunk(const ChunkKey& key, ByteView encoded, NewPoints* out) {
  enter(key.attempt, key.journal);
  const RowGroupReader reader(encoded);
  // Its first rows may have been read as tails.
  const uint64_t known = std::min<uint64_t>(rows_ - std::min(rows_, chunk_rows_), reader.rows());
  chunk_rows_ += reader.rows();
  next_chunk_ = key.first_sequence + 1;
  last_sequence_ = std::max(last_sequence_, reader.last_sequence());
  if (known == reader.rows()) return;
  total_ += reader.rows() - known;
  rows_ = chunk_rows_;
  if (out == nullptr) return;
  const std::vector<int64_t> steps = reader.steps(), times = reader.times_ns();
  const std::vector<Number> epochs = reader.epochs();
  for (const SeriesKey series : reader.keys()) {
    const auto values = reader.column(series);
    for (size_t i = known; i < steps.size(); ++i) {
      if (!values || !(*values)[i].exists()) continue;
      const Number epoch = i < epochs.size() ? epochs[i] : Number{};
      (*out)[series].push_back({steps[i], times[i], epoch, (*values)[i], key.attempt});
    }
  }
}

void PointCursor::visit_tails(const Tails& tails, NewPoints* out) {
  ResultView result;
  for (const Tails::Row& row : tails.of(run_)) {
    if (only_ != 0 && row.attempt != only_) continue;
    const auto place = std::tie(row.attempt, row.journal);
    if (place < std::tie(attempt_, journal_)) continue;
    enter(row.attempt, row.journal);
    if (rows_ > 0 && row.sequence <= last_sequence_) continue;
    last_sequence_ = row.sequence;
    ++rows_;
    ++total_;
    if (out == nullptr) continue;
    decode_result(row.result, result);
    const ShapeRow& shape = tails.shape(row.shape);
    for (size_t i = 0; i < std::min(shape.names.size(), result.numbers.size()); ++i) {
      if (!result.numbers[i].exists()) continue;
      (*out)[{shape.names[i], shape.context}].push_back(
          {result.step, result.time_ns, result.epoch, result.numbers[i], row.attempt});
    }
  }
}

void PointCursor::advance(const Transaction& txn, const Tails& tails, NewPoints* out) {
  Key prefix = Key().add(run_);
  if (only_ != 0) prefix.add(only_);
  const Key from = Key().add(run_).add(attempt_).add(journal_).add(next_chunk_);
  const ByteView start = attempt_ == 0 ? ByteView() : ByteView(from);
  txn.scan(Table::chunks, prefix, start, [&](ByteView bytes, ByteView encoded) {
    visit_chunk(read_chunk_key(bytes), encoded, out);
    return true;
  });
  visit_tails(tails, out);
}

uint64_t PointCursor::count(const Transaction& txn, const Tails& tails) const {
  if (only_ != 0) return read_result_count(txn, tails, run_, only_);
  uint64_t total = 0;
  const uint32_t attempts = get_run(txn, run_).attempts;
  for (uint32_t attempt = 1; attempt <= attempts; ++attempt)
    total += read_result_count(txn, tails, run_, attempt);
  return total;
}

std::optional<NewPoints> PointCursor::read_new(const Transaction& txn, const Tails& tails) {
  NewPoints points;
  advance(txn, tails, &points);
  if (count(txn, tails) != total_) return std::nullopt;
  return points;
}

void PointCursor::skip_to_end(const Transaction& txn, const Tails& tails) {
  advance(txn, tails, nullptr);
  total_ = count(txn, tails);
}

}  // namespace aimlog
