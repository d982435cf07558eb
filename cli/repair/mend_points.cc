#include "cli/repair/mend_points.h"

#include <algorithm>
#include <tuple>

#include "plugin/model/result_codec.h"

namespace aimlog::cli {
namespace {

constexpr size_t rows_of_a_chunk = 1024;

bool same_counts(const SummaryMap& a, const SummaryMap& b) {
  const auto count = [](const SummaryMap& map, const SeriesKey& key) {
    const auto found = map.find(key);
    return found == map.end() ? 0 : found->second.count;
  };
  const auto fits = [&](const SummaryMap& these, const SummaryMap& those) {
    return std::all_of(these.begin(), these.end(), [&](const auto& each) {
      return each.second.count == count(those, each.first);
    });
  };
  return fits(a, b) && fits(b, a);
}

}  // namespace

uint64_t points_of(const SummaryMap& summaries) {
  uint64_t points = 0;
  for (const auto& [key, summary] : summaries) points += summary.count;
  return points;
}

struct PointMender::Work {
  RunNumber run;
  uint32_t attempt;
  const SalvagedAttempt& salvaged;
  ObjectMap& objects;
  RunReport& report;
  MendedAttempt mended;
  std::vector<Sealed> sealed;
  uint64_t sealed_results = 0;

  void see_time(int64_t time_ns) {
    if (mended.first_ns == 0 || time_ns < mended.first_ns) mended.first_ns = time_ns;
    mended.last_ns = std::max(mended.last_ns, time_ns);
  }
};

MendedAttempt PointMender::mend(RunNumber run, uint32_t attempt, const SalvagedAttempt& salvaged,
                                ObjectMap& objects, RunReport& report) const {
  Work work{run, attempt, salvaged, objects, report, {}, {}, 0};
  take_chunks(work);
  count_losses(work);
  // The stored summaries are of the same points: they keep the sums' last bits.
  if (salvaged.summaries && same_counts(*salvaged.summaries, work.mended.summaries))
    work.mended.summaries = *salvaged.summaries;
  take_waiting(work);
  report.points += points_of(work.mended.summaries);
  return std::move(work.mended);
}

void PointMender::take_chunks(Work& work) const {
  work.report.chunks_lost += work.salvaged.chunks_damaged;
  for (const auto& [key, row] : work.salvaged.chunks) {
    try {
      take_chunk(work, key, salvage_.payload(row));
    } catch (const Error&) {
      ++work.report.chunks_lost;
    }
  }
}

void PointMender::take_chunk(Work& work, const ChunkKey& key, const Bytes& encoded) const {
  const RowGroupReader reader(encoded);
  RowGroup group;
  group.first_sequence = reader.first_sequence();
  group.last_sequence = reader.last_sequence();
  group.steps = reader.steps();
  group.times_ns = reader.times_ns();
  bool whole = true;
  try {
    group.epochs = reader.epochs();
  } catch (const Error&) {
    group.epochs.assign(group.steps.size(), Number{});
    whole = false;
    ++work.report.columns_lost;
  }
  for (const SeriesKey& series : reader.keys()) {
    try {
      group.columns.push_back({series, *reader.column(series)});
    } catch (const Error&) {
      whole = false;
      ++work.report.columns_lost;
    }
  }
  for (const RowGroup::Column& column : group.columns)
    work.mended.summaries[column.key].add(group.steps, column.values);
  for (const int64_t time_ns : group.times_ns) work.see_time(time_ns);
  work.mended.chunks.emplace_back(key, whole ? encoded : encode_row_group(group));
  work.sealed.push_back({key.journal, group.first_sequence, group.last_sequence});
  work.report.results += reader.rows();
  if (key.journal != 0) work.mended.results += reader.rows();
  work.sealed_results = work.mended.results;
}

// What chunks gave against what was said of them.
void PointMender::count_losses(const Work& work) {
  const SalvagedAttempt& salvaged = work.salvaged;
  RunReport& report = work.report;
  if (salvaged.summaries) {
    const uint64_t told = points_of(*salvaged.summaries);
    const uint64_t seen = points_of(work.mended.summaries);
    report.points_lost += told - std::min(told, seen);
  } else if (!salvaged.row || salvaged.old || salvaged.row->sealed_results > 0) {
    report.count_unknown = true;
  }
  const uint64_t told = salvaged.row ? salvaged.row->sealed_results : 0;
  const bool imported = std::any_of(salvaged.chunks.begin(), salvaged.chunks.end(),
                                    [](const auto& each) { return each.first.journal == 0; });
  if (!imported) report.results_lost += told - std::min(told, work.sealed_results);
}

void PointMender::take_waiting(Work& work) const {
  std::vector<SalvagedResult> waiting = work.salvaged.waiting;
  const auto place = [](const SalvagedResult& each) {
    return std::tie(each.journal, each.sequence);
  };
  std::sort(waiting.begin(), waiting.end(),
            [&](const auto& a, const auto& b) { return place(a) < place(b); });
  RowGroup group;
  JournalNumber journal = 0;
  const SalvagedResult* before = nullptr;
  for (const SalvagedResult& each : waiting) {
    const bool doubled = before != nullptr && place(*before) == place(each);
    before = &each;
    const bool sealed =
        std::any_of(work.sealed.begin(), work.sealed.end(), [&](const Sealed& chunk) {
          return chunk.journal == each.journal && chunk.first <= each.sequence &&
                 each.sequence <= chunk.last;
        });
    if (doubled || sealed) continue;
    if (each.journal != journal || group.steps.size() >= rows_of_a_chunk)
      put_group(work, journal, group);
    journal = each.journal;
    if (!add_row(work, group, each)) ++work.report.results_lost;
  }
  put_group(work, journal, group);
}

// False if the result cannot be read.
bool PointMender::add_row(Work& work, RowGroup& group, const SalvagedResult& waiting) const {
  const auto shape = repo_.shapes.find(waiting.shape);
  if (shape == repo_.shapes.end()) return false;
  ResultView result;
  try {
    decode_result(waiting.result, result);
  } catch (const Error&) {
    return false;
  }
  if (result.numbers.size() != shape->second.names.size()) return false;
  if (group.steps.empty()) group.first_sequence = waiting.sequence;
  const size_t row = group.steps.size();
  group.last_sequence = waiting.sequence;
  group.steps.push_back(result.step);
  group.times_ns.push_back(result.time_ns);
  group.epochs.push_back(result.epoch);
  work.see_time(result.time_ns);
  for (RowGroup::Column& column : group.columns) column.values.resize(row + 1);
  for (size_t i = 0; i < result.numbers.size(); ++i) {
    const SeriesKey key{shape->second.names[i], shape->second.context};
    if (result.numbers[i].exists()) {
      auto column = std::find_if(group.columns.begin(), group.columns.end(),
                                 [&](const auto& each) { return each.key == key; });
      if (column == group.columns.end()) {
        group.columns.push_back({key, std::vector<Number>(row + 1)});
        column = group.columns.end() - 1;
      }
      column->values[row] = result.numbers[i];
    } else if (!result.objects[i].empty()) {
      ObjectRow& object = work.objects[key];
      object.key = key;
      ++object.count;
      object.last_step = result.step;
      object.last_value = Bytes(result.objects[i]);
    }
  }
  return true;
}

void PointMender::put_group(Work& work, JournalNumber journal, RowGroup& group) {
  if (!group.steps.empty()) {
    for (const RowGroup::Column& column : group.columns)
      work.mended.summaries[column.key].add(group.steps, column.values);
    work.mended.chunks.emplace_back(ChunkKey{work.run, work.attempt, journal, group.first_sequence},
                                    encode_row_group(group));
    work.mended.results += group.steps.size();
    work.report.results += group.steps.size();
  }
  group = {};
}

}  // namespace aimlog::cli
