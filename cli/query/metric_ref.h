// How people name a metric: `loss`, `loss{subset=val}`, `loss.min`, `metrics.loss.min`.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/query/snapshot.h"
#include "plugin/store/series_table.h"

namespace aimlog::cli {

// What of a series a column shows.
struct Aggregate {
  std::string name;
  Number (*of)(const SeriesSummary& summary);
};
const Aggregate* find_aggregate(std::string_view name);
std::vector<std::string> aggregate_names();

// The series that `text` names: the literal name of a metric in any context, or name{key=value,...}
// for contexts that have at least these values; {} is no context.
std::vector<SeriesKey> find_series(const SeriesNames& names, std::string_view text);

// The one of them that is meant where there is room for one only: the series without context, else
// the only one. Throws a usage error that lists the candidates.
SeriesKey single_series(const SeriesNames& names, const std::vector<SeriesKey>& found,
                        std::string_view text);

// Whether a context has all of these "key=value" words. Throws a usage error for a word without =.
bool context_has(const SeriesName& name, const std::vector<std::string>& words);

// Splits at commas that are not inside braces; a backslash takes the next character as it is.
std::vector<std::string> split_list(std::string_view text);

std::vector<std::string> metric_names(const SeriesNames& names);

// "nothing is called 'x'; did you mean ...": for the user.
std::string unknown_metric(const SeriesNames& names, const std::string& text);

}  // namespace aimlog::cli
