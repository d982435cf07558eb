#include "plugin/store/point_cursor.h"

#include <random>

#include "plugin/model/result_codec.h"
#include "plugin/store/name_table.h"
#include "plugin/store/run_table.h"
#include "plugin/store/tail_table.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

namespace aimlog::test {
namespace {

constexpr RunNumber run_number = 1;

struct MadeRow {
  uint32_t attempt = 0;
  JournalNumber journal = 0;
  uint64_t sequence = 0;
};

// A run with one metric, whose rows are written and sealed piece by piece, as the committer does.
// The value of each row is its place among all that were written.
class GrowingRun {
 public:
  GrowingRun() {
    with_write_transaction(*env_, [&](WriteTransaction& txn) {
      ShapeRow shape;
      shape.names.push_back(intern_name(txn, "m"));
      key_ = {shape.names.back(), 0};
      shape_ = put_shape(txn, shape);
      RunRow run;
      run.job = 1;
      run.trial_id = "t";
      REQUIRE(add_run(txn, trial_key("t"), run) == run_number);
    });
  }

  void write(const MadeRow& row) {
    with_write_transaction(*env_, [&](WriteTransaction& txn) {
      ResultView view;
      view.step = static_cast<int64_t>(rows_.size());
      view.numbers = {Number::of(view.step)};
      view.objects.resize(1);
      Bytes tail;
      append_tail_row(tail, {run_number, row.attempt, row.sequence, shape_, encode_result(view)});
      ZstdCompressor zstd;
      put_tail(txn, row.journal, row.sequence, tail, zstd);
      RunRow run = get_run(txn, run_number);
      run.attempts = std::max(run.attempts, row.attempt);
      put_run(txn, run_number, run);
      if (!get_attempt(txn, run_number, row.attempt)) put_attempt(txn, run_number, row.attempt, {});
    });
    rows_.push_back(row);
  }

  // Up to `count` rows behind those that are sealed, of one attempt and journal.
  void seal(size_t count) {
    if (sealed_ == rows_.size() || count == 0) return;
    const MadeRow first = rows_[sealed_];
    RowGroup group;
    group.first_sequence = first.sequence;
    group.columns.push_back({key_, {}});
    for (; count > 0 && sealed_ < rows_.size(); --count, ++sealed_) {
      const MadeRow& row = rows_[sealed_];
      if (row.attempt != first.attempt || row.journal != first.journal) break;
      const auto place = static_cast<int64_t>(sealed_);
      group.last_sequence = row.sequence;
      group.steps.push_back(place);
      group.times_ns.push_back(0);
      group.epochs.push_back({});
      group.columns[0].values.push_back(Number::of(place));
    }
    with_write_transaction(*env_, [&](WriteTransaction& txn) {
      put_chunk(txn, {run_number, first.attempt, first.journal, first.sequence},
                encode_row_group(group));
      put_seal(txn, first.journal, run_number, group.last_sequence);
      AttemptRow attempt = *get_attempt(txn, run_number, first.attempt);
      attempt.sealed_results += group.steps.size();
      put_attempt(txn, run_number, first.attempt, attempt);
    });
  }

  std::optional<std::vector<int64_t>> read_new(PointCursor& cursor) {
    const Transaction txn(*env_);
    const auto points = cursor.read_new(txn, Tails(txn));
    if (!points) return std::nullopt;
    std::vector<int64_t> places;
    for (const auto& [key, all] : *points)
      for (const Point& point : all) places.push_back(static_cast<int64_t>(point.value.bits));
    return places;
  }
  void skip(PointCursor& cursor) {
    const Transaction txn(*env_);
    cursor.skip_to_end(txn, Tails(txn));
  }

  const std::vector<MadeRow>& rows() const { return rows_; }

 private:
  TempDir dir_;
  std::shared_ptr<Environment> env_ = Environment::open(dir_.path(), OpenMode::create);
  SeriesKey key_;
  ShapeNumber shape_ = 0;
  std::vector<MadeRow> rows_;
  size_t sealed_ = 0;
};

std::vector<int64_t> places_of(const GrowingRun& run, uint32_t attempt) {
  std::vector<int64_t> places;
  for (size_t i = 0; i < run.rows().size(); ++i)
    if (attempt == 0 || run.rows()[i].attempt == attempt) places.push_back(static_cast<int64_t>(i));
  return places;
}

}  // namespace

TEST_CASE("EachRowIsReadOnceWhereverItHasMoved") {
  for (unsigned seed = 0; seed < 8; ++seed) {
    INFO("seed " << seed);
    std::mt19937 random(seed);
    GrowingRun run;
    const uint32_t only = seed % 3;
    PointCursor cursor(run_number, only);
    std::vector<int64_t> read;
    MadeRow next{1, 1, 0};
    for (int look = 0; look < 12; ++look) {
      for (uint32_t count = random() % 6; count > 0; --count) {
        if (random() % 9 == 0) next.attempt += 1;
        if (random() % 7 == 0) next = {next.attempt, next.journal + 1, 0};
        next.sequence += 1 + random() % 3;  // between them are rows of other runs
        run.write(next);
      }
      while (random() % 2 == 0) run.seal(random() % 8);
      const auto places = run.read_new(cursor);
      REQUIRE(places);
      read.insert(read.end(), places->begin(), places->end());
      CHECK(read == places_of(run, only));
    }
  }
}

TEST_CASE("WhatWasSkippedIsNotRead") {
  GrowingRun run;
  for (uint64_t sequence = 1; sequence <= 5; ++sequence) run.write({1, 1, sequence});
  run.seal(2);
  PointCursor cursor(run_number, 0);
  run.skip(cursor);
  run.seal(3);
  CHECK(run.read_new(cursor)->empty());
  run.write({1, 1, 6});
  CHECK(*run.read_new(cursor) == std::vector<int64_t>{5});
}

TEST_CASE("RowsThatComeBeforeItsPlaceAreNoticed") {
  GrowingRun run;
  run.write({1, 1, 1});
  run.write({2, 2, 1});
  PointCursor cursor(run_number, 0);
  CHECK(run.read_new(cursor)->size() == 2);
  run.write({1, 1, 2});
  CHECK_FALSE(run.read_new(cursor));
}

}  // namespace aimlog::test
