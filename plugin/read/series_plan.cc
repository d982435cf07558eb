#include "plugin/read/series_plan.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "plugin/model/result_codec.h"

namespace aimlog {
namespace {

using SeriesKeys = std::set<SeriesKey>;

// Every series that a run has points of.
SeriesKeys keys_of(const RepoView& view, RunNumber run) {
  SeriesKeys keys;
  const uint32_t attempts = get_run(view.txn(), run).attempts;
  for (uint32_t attempt = 1; attempt <= attempts; ++attempt)
    for (const auto& each : read_sealed_summaries(view.txn(), run, attempt))
      keys.insert(each.first);
  for (const Tails::Row& row : view.tails().of(run)) {
    const ShapeRow& shape = view.tails().shape(row.shape);
    for (const NameId name : shape.names) keys.insert({name, shape.context});
  }
  return keys;
}

bool is_meant(const NamedSeries& named, const SeriesRequest& request) {
  if (named.metric != request.metric) return false;
  if (request.exact_context && named.flat_context().size() != request.context.size()) return false;
  return std::all_of(request.context.begin(), request.context.end(),
                     [&](const auto& each) { return named.has(each.first, each.second); });
}

class Planner {
 public:
  Planner(Environment& environment, const SeriesRequest& request)
      : view_(environment), request_(request) {
    plan_.all_attempts = request.all_attempts;
  }

  SeriesPlan make() {
    for (const RunNumber run : view_.runs(request_.run_word)) add_run(run);
    if (plan_.series.empty()) throw_unknown();
    return std::move(plan_);
  }

 private:
  void add_run(RunNumber run) {
    std::map<SeriesKey, PlannedSeries> meant;
    for (const SeriesKey& key : keys_of(view_, run)) {
      const NamedSeries& named = view_.series(key);
      names_.insert(named.metric);
      if (named.metric == request_.metric) contexts_seen_.insert(named.text());
      if (is_meant(named, request_)) meant[key].key = key;
    }
    if (meant.empty()) return;
    each_chunk(view_.txn(), run,
               [&](const ChunkKey& place, ByteView encoded) { add_chunk(place, encoded, meant); });
    add_tails(run, meant);
    take(run, meant);
  }

  void add_chunk(const ChunkKey& place, ByteView encoded,
                 std::map<SeriesKey, PlannedSeries>& meant) {
    const RowGroupReader reader(encoded);
    for (auto& [key, series] : meant) {
      const auto head = reader.column_head(key);
      if (!head || head->count() == 0) continue;
      series.segments.push_back({place, true, head->count(), {}});
      series.points += head->count();
      for (uint32_t i = 0; i < (head->types.empty() ? 1 : head->count()); ++i)
        plan_.kinds.add(head->type_of(i));
    }
  }

  void add_tails(RunNumber run, std::map<SeriesKey, PlannedSeries>& meant) {
    ResultView result;
    for (const Tails::Row& row : view_.tails().of(run)) {
      const ShapeRow& shape = view_.tails().shape(row.shape);
      decode_result(row.result, result);
      if (result.numbers.size() != shape.names.size())
        throw Error(ErrorCode::corrupt, "damaged tail: a result does not fit its shape");
      for (size_t i = 0; i < shape.names.size(); ++i) {
        const auto found = meant.find({shape.names[i], shape.context});
        if (found == meant.end() || !result.numbers[i].exists()) continue;
        found->second.segments.push_back(
            {{run, row.attempt, row.journal, row.sequence},
             false,
             1,
             {result.step, result.time_ns, result.epoch, result.numbers[i], row.attempt}});
        ++found->second.points;
        plan_.kinds.add(result.numbers[i].type);
      }
    }
  }

  void take(RunNumber run, std::map<SeriesKey, PlannedSeries>& meant) {
    // Points of one journal may be unsealed while those of a later one are sealed.
    const auto in_order = [](const SeriesSegment& a, const SeriesSegment& b) {
      return std::tie(a.place.attempt, a.place.journal, a.place.first_sequence) <
             std::tie(b.place.attempt, b.place.journal, b.place.first_sequence);
    };
    bool is_new = true;
    for (auto& [key, series] : meant) {
      if (series.points == 0) continue;
      std::stable_sort(series.segments.begin(), series.segments.end(), in_order);
      if (is_new) plan_.run_ids.push_back(get_run(view_.txn(), run).id.hex());
      is_new = false;
      series.run = static_cast<int32_t>(plan_.run_ids.size() - 1);
      series.context = context_index(view_.series(key).context_text);
      plan_.series.push_back(std::move(series));
    }
  }

  int32_t context_index(const std::string& text) {
    if (text.empty()) return -1;
    const auto [place, is_new] = contexts_.try_emplace(text, plan_.contexts.size());
    if (is_new) plan_.contexts.push_back(text);
    return static_cast<int32_t>(place->second);
  }

  [[noreturn]] void throw_unknown() const {
    if (contexts_seen_.empty()) {
      throw LookupError(false, "no metric is called '" + request_.metric + "'" +
                                   did_you_mean(request_.metric, {names_.begin(), names_.end()}));
    }
    std::string known;
    for (const std::string& each : contexts_seen_) known += (known.empty() ? "" : ", ") + each;
    throw LookupError(false, "no such context of '" + request_.metric + "'; there are " + known);
  }

  RepoView view_;
  const SeriesRequest& request_;
  SeriesPlan plan_;
  std::map<std::string, size_t> contexts_;
  std::set<std::string> names_;          // of all metrics met
  std::set<std::string> contexts_seen_;  // of the metric, in whatever context
};

}  // namespace

SeriesPlan plan_series(Environment& environment, const SeriesRequest& request) {
  return Planner(environment, request).make();
}

}  // namespace aimlog
