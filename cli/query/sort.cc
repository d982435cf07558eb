#include <algorithm>
#include <numeric>

#include "cli/failure.h"
#include "cli/query/columns.h"

namespace aimlog::cli {
namespace {

struct SortKey {
  RunColumn column;
  bool descending = false;
};

// Things of different kinds in one column: numbers, then times, then texts, then lists and maps,
// then NaN, then what is missing.
int rank(const Cell& cell) {
  if (const TimeCell* time = std::get_if<TimeCell>(&cell)) return time->ns == 0 ? 9 : 2;
  const DualCell* dual = std::get_if<DualCell>(&cell);
  const Value& value = dual != nullptr ? dual->exact : std::get<Value>(cell);
  if (value.is_null()) return 9;
  if (const Number* number = value.number()) return number->is_nan() ? 8 : 1;
  return value.text() != nullptr ? 3 : 4;
}

template <typename T>
int order_of(const T& a, const T& b) {
  return a < b ? -1 : b < a ? 1 : 0;
}

int compare_same_rank(const Cell& a, const Cell& b, int rank) {
  if (rank == 2) return order_of(std::get<TimeCell>(a).ns, std::get<TimeCell>(b).ns);
  const auto value = [](const Cell& cell) -> const Value& {
    const DualCell* dual = std::get_if<DualCell>(&cell);
    return dual != nullptr ? dual->exact : std::get<Value>(cell);
  };
  if (rank == 1) {
    const auto order = compare(*value(a).number(), *value(b).number());
    return order < 0 ? -1 : order > 0 ? 1 : 0;
  }
  if (rank == 3) return order_of(*value(a).text(), *value(b).text());
  return 0;
}

int compare_cells(const Cell& a, const Cell& b, bool descending) {
  const int rank_a = rank(a), rank_b = rank(b);
  // What has no value comes last in both directions.
  if (rank_a != rank_b && (rank_a >= 8 || rank_b >= 8)) return order_of(rank_a, rank_b);
  const int order = rank_a != rank_b ? order_of(rank_a, rank_b) : compare_same_rank(a, b, rank_a);
  return descending ? -order : order;
}

bool take_suffix(std::string& text, const std::string& suffix) {
  if (text.size() <= suffix.size() || text.substr(text.size() - suffix.size()) != suffix)
    return false;
  text.resize(text.size() - suffix.size());
  return true;
}

SortKey read_key(const RunList& list, std::string text) {
  SortKey key;
  key.descending = take_suffix(text, ":desc");
  if (!key.descending) take_suffix(text, ":asc");
  std::vector<RunColumn> columns = resolve_column(list, text);
  if (columns.size() > 1) {
    std::vector<SeriesKey> series;
    for (const RunColumn& each : columns) series.push_back(each.series);
    const SeriesKey meant = single_series(list.names(), series, text);
    std::erase_if(columns, [&](const RunColumn& each) { return each.series != meant; });
  }
  key.column = std::move(columns.front());
  return key;
}

}  // namespace

void sort_runs(RunList& list, const std::string& text) {
  std::vector<SortKey> keys;
  for (const std::string& item : split_list(text)) keys.push_back(read_key(list, item));
  if (keys.empty()) throw usage_error("--sort wants a column, as in --sort loss.min:desc");
  std::vector<RunColumn> columns;
  for (const SortKey& key : keys) columns.push_back(key.column);
  std::vector<Cell> cells;  // by run, then by key
  cells.reserve(list.size() * keys.size());
  list.each(parts_for(columns), [&](const RunInfo& run) {
    for (const RunColumn& column : columns) cells.push_back(column_value(column, run));
    return true;
  });
  std::vector<size_t> order(list.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    for (size_t i = 0; i < keys.size(); ++i) {
      const int sign =
          compare_cells(cells[a * keys.size() + i], cells[b * keys.size() + i], keys[i].descending);
      if (sign != 0) return sign < 0;
    }
    return false;
  });
  list.choose(order);
}

}  // namespace aimlog::cli
