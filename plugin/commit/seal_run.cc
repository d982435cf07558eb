#include "plugin/commit/seal_run.h"

#include <algorithm>
#include <map>
#include <span>

#include "plugin/model/result_codec.h"
#include "plugin/store/name_table.h"
#include "plugin/store/row_group.h"
#include "plugin/store/run_table.h"
#include "plugin/store/series_table.h"
#include "plugin/store/tail_table.h"

namespace aimlog {
namespace {

constexpr size_t cells_max = size_t{1} << 20;  // of a row group: 16 MB in memory

using PendingRows = std::span<const LiveRun::PendingRow>;

// Builds the row groups of one attempt and adds up what they hold.
class Sealer {
 public:
  Sealer(WriteTransaction& txn, JournalImage& image, const LiveRun& run, PendingRows rows)
      : txn_(txn),
        image_(image),
        run_(run),
        rows_(rows),
        attempt_(rows.front().attempt),
        summaries_(get_summaries(txn, run.number, attempt_)),
        objects_(get_objects(txn, run.number)) {}

  void seal() {
    for (const LiveRun::PendingRow& row : rows_) {
      if (group_.steps.size() == row_group_rows_max || is_too_wide_for(row)) put_group();
      add_row(row);
    }
    put_group();
    put_summaries(txn_, run_.number, attempt_, summaries_);
    if (objects_changed_) put_objects(txn_, run_.number, objects_);
  }

 private:
  // Where the columns of a shape go in the group.
  struct Layout {
    ShapeNumber shape = 0;
    std::vector<size_t> places;
  };

  // Each column has a place for each row, also where nearly all are empty: of series that each
  // appear in one result only, or of a result that is much wider than those before it, a few
  // thousand results would take gigabytes.
  bool is_too_wide_for(const LiveRun::PendingRow& row) {
    size_t columns = group_.columns.size();
    if (layout_.shape != row.shape) columns += shape_row(txn_, image_, row.shape).names.size();
    return columns * (group_.steps.size() + 1) > cells_max;
  }

  void add_row(const LiveRun::PendingRow& pending) {
    const ResultParts result(run_.result(pending));
    const ResultHead& head = result.head();
    const ShapeRow& shape = shape_row(txn_, image_, pending.shape);
    if (layout_.shape != pending.shape) layout_ = {pending.shape, places_of(shape)};
    const size_t row = group_.steps.size();
    if (row == 0) group_.first_sequence = pending.sequence;
    group_.last_sequence = pending.sequence;
    group_.steps.push_back(head.step);
    group_.times_ns.push_back(head.time_ns);
    group_.epochs.push_back(head.epoch);
    result.visit(
        [&](uint32_t column, Number number) {
          if (column >= layout_.places.size()) return;
          std::vector<Number>& values = group_.columns[layout_.places[column]].values;
          values.resize(row);
          values.push_back(number);
        },
        [&](uint32_t column, ByteView value) {
          if (column >= shape.names.size()) return;
          keep_object({shape.names[column], shape.context}, head.step, value);
        });
  }

  std::vector<size_t> places_of(const ShapeRow& shape) {
    std::vector<size_t> places;
    for (const NameId name : shape.names) {
      const SeriesKey key{name, shape.context};
      const auto [place, is_new] = column_of_.try_emplace(key, group_.columns.size());
      if (is_new) group_.columns.push_back({key, {}});
      places.push_back(place->second);
    }
    return places;
  }

  void keep_object(SeriesKey key, int64_t step, ByteView value) {
    ObjectRow& object = objects_[key];
    object.key = key;
    ++object.count;
    object.last_step = step;
    object.last_value = value;
    objects_changed_ = true;
  }

  void put_group() {
    if (group_.steps.empty()) return;
    // A column of which no row has a number held something else throughout.
    std::erase_if(group_.columns,
                  [](const RowGroup::Column& column) { return column.values.empty(); });
    for (RowGroup::Column& column : group_.columns) {
      column.values.resize(group_.steps.size());
      summaries_[column.key].add(group_.steps, column.values);
    }
    put_chunk(txn_, {run_.number, attempt_, image_.row.number, group_.first_sequence},
              encode_row_group(group_));
    group_ = {};
    column_of_.clear();
    layout_ = {};
  }

  WriteTransaction& txn_;
  JournalImage& image_;
  const LiveRun& run_;
  const PendingRows rows_;
  const uint32_t attempt_;
  SummaryMap summaries_;
  std::map<SeriesKey, ObjectRow> objects_;
  bool objects_changed_ = false;
  RowGroup group_;
  std::map<SeriesKey, size_t> column_of_;
  Layout layout_;  // of the row before
};

// Takes the run's rows off the tails that hold them.
void leave_tails(WriteTransaction& txn, JournalImage& image, const LiveRun& run) {
  bool was_in_tail = false;
  auto tail = image.tails.begin();
  for (const LiveRun::PendingRow& row : run.pending) {
    if (row.tail == 0) continue;
    was_in_tail = true;
    while (tail != image.tails.end() && tail->number < row.tail) ++tail;
    AIMLOG_CHECK(tail != image.tails.end() && tail->number == row.tail && tail->unsealed_rows > 0);
    --tail->unsealed_rows;
  }
  if (!was_in_tail) return;
  put_seal(txn, image.row.number, run.number, run.pending.back().sequence);
  std::erase_if(image.tails, [&](const JournalImage::Tail& candidate) {
    if (candidate.unsealed_rows > 0) return false;
    erase_tail(txn, image.row.number, candidate.number);
    image.tail_bytes -= candidate.bytes;
    return true;
  });
}

void add_sealed(WriteTransaction& txn, LiveRun& run, uint32_t attempt, size_t results) {
  if (attempt == run.attempt_number) {
    run.attempt.sealed_results += results;
    return;
  }
  auto row = get_attempt(txn, run.number, attempt);
  if (!row) throw Error(ErrorCode::corrupt, "an attempt with results is missing in the repo");
  row->sealed_results += results;
  put_attempt(txn, run.number, attempt, *row);
}

}  // namespace

const ShapeRow& shape_row(const Transaction& txn, JournalImage& image, ShapeNumber number) {
  auto found = image.shape_rows.find(number);
  if (found == image.shape_rows.end()) {
    found = image.shape_rows.emplace(number, get_shape(txn, number)).first;
  }
  return found->second;
}

void seal_run(WriteTransaction& txn, JournalImage& image, LiveRun& run) {
  if (run.pending.empty()) return;
  image.load_run(txn, run.number);  // other journals seal results of it, too
  // Of one attempt, but for what an older program left.
  for (PendingRows rest = run.pending; !rest.empty();) {
    const uint32_t attempt = rest.front().attempt;
    const auto next = std::find_if(rest.begin(), rest.end(), [&](const LiveRun::PendingRow& row) {
      return row.attempt != attempt;
    });
    const auto count = static_cast<size_t>(next - rest.begin());
    Sealer(txn, image, run, rest.first(count)).seal();
    add_sealed(txn, run, attempt, count);
    rest = rest.subspan(count);
  }
  leave_tails(txn, image, run);
  run.dirty = true;
  run.pending.clear();
  run.result_bytes = Bytes();
}

}  // namespace aimlog
