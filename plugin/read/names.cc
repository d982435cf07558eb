#include "plugin/read/names.h"

#include <algorithm>
#include <charconv>

#include "plugin/config/suggestion.h"
#include "plugin/model/context_text.h"
#include "plugin/read/value_text.h"
#include "plugin/store/name_table.h"
#include "plugin/store/run_rows.h"

namespace aimlog {
namespace {

struct TrialName {
  RunNumber number;
  RunHead head;
};

[[noreturn]] void throw_ambiguous(std::string_view word, const std::vector<TrialName>& found) {
  constexpr size_t shown_max = 8;
  std::string candidates;
  for (size_t i = 0; i < found.size() && i < shown_max; ++i) {
    const RunHead& head = found[i].head;
    candidates += (i > 0 ? ", " : "") + head.id.hex() + " (trial ";
    candidates.append(head.trial_id).append(")");
  }
  if (found.size() > shown_max) candidates += ", ...";
  throw LookupError(true, "'" + std::string(word) + "' names more than one run: " + candidates);
}

// Whether it can be the beginning of an id.
bool is_hex_word(std::string_view word) {
  return word.size() <= 2 * sizeof(RunId::bytes) &&
         word.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool starts_with_word(const std::string& id, std::string_view word) {
  return word.size() <= id.size() && id.compare(0, word.size(), word) == 0;
}

// The runs that a word fits: by trial id, else by the beginning of the id.
std::vector<TrialName> fitting(const std::vector<TrialName>& runs, std::string_view word) {
  std::vector<TrialName> found;
  for (const TrialName& each : runs)
    if (each.head.trial_id == word) found.push_back(each);
  if (!found.empty()) return found;
  if (!is_hex_word(word)) return found;
  for (const TrialName& each : runs)
    if (starts_with_word(each.head.id.hex(), word)) found.push_back(each);
  return found;
}

RunNumber by_place(const std::vector<TrialName>& runs, std::string_view word) {
  size_t place = 0;
  const auto parsed = std::from_chars(word.data() + 1, word.data() + word.size(), place);
  const bool is_number = parsed.ec == std::errc{} && parsed.ptr == word.data() + word.size();
  if (!is_number || place == 0 || place > runs.size()) {
    throw LookupError(false, "there is no run '" + std::string(word) + "': the newest of " +
                                 std::to_string(runs.size()) + " is @1");
  }
  return runs[runs.size() - place].number;
}

}  // namespace

std::string NamedSeries::text() const {
  return context_text.empty() ? metric : metric + "{" + context_text + "}";
}

std::vector<std::pair<std::string, std::string>> NamedSeries::flat_context() const {
  std::vector<std::pair<std::string, std::string>> flat;
  const ValueMap* map = context.map();
  if (map == nullptr) return flat;
  for (const auto& [name, item] : flatten(*map)) {
    const auto text = context_value_text(item);
    flat.emplace_back(name, text ? *text : value_text(item));
  }
  return flat;
}

bool NamedSeries::has(std::string_view key, std::string_view value) const {
  const auto flat = flat_context();
  return std::any_of(flat.begin(), flat.end(),
                     [&](const auto& each) { return each.first == key && each.second == value; });
}

const JobRow& RepoView::job(JobNumber number) {
  const auto [place, is_new] = jobs_.try_emplace(number);
  if (is_new) place->second = get_job(txn_, number);
  return place->second;
}

const std::string& RepoView::experiment_of(JobNumber number) {
  const ExperimentNumber experiment = job(number).experiment;
  const auto [place, is_new] = experiments_.try_emplace(experiment);
  if (is_new) place->second = get_experiment(txn_, experiment).name;
  return place->second;
}

const NamedSeries& RepoView::series(SeriesKey key) {
  const auto [place, is_new] = series_.try_emplace(key);
  NamedSeries& named = place->second;
  if (!is_new) return named;
  named.metric = get_name(txn_, key.name);
  const Bytes context = get_context(txn_, key.context);
  if (context.empty()) return named;
  named.context = decode_value(context);
  for (const auto& [name, value] : named.flat_context())
    named.context_text += (named.context_text.empty() ? "" : ",") + name + "=" + value;
  return named;
}

RunNumber RepoView::find_run(std::string_view word) const {
  std::vector<TrialName> runs;
  each_run_row(txn_, [&](RunNumber number, ByteView row) {
    runs.push_back({number, read_run_head(row)});
  });
  if (runs.empty()) throw LookupError(false, "the repo has no runs yet");
  const std::vector<TrialName> found = fitting(runs, word);
  if (found.size() == 1) return found.front().number;
  if (found.size() > 1) throw_ambiguous(word, found);
  if (word == "last") return runs.back().number;
  if (word.size() > 1 && word[0] == '@') return by_place(runs, word);
  std::vector<std::string> known;
  for (const TrialName& each : runs) known.emplace_back(each.head.trial_id);
  throw LookupError(false,
                    "no run is called '" + std::string(word) + "'" + did_you_mean(word, known));
}

std::vector<RunNumber> RepoView::runs(std::string_view word) const {
  if (!word.empty()) return {find_run(word)};
  std::vector<RunNumber> runs;
  each_run_row(txn_, [&](RunNumber number, ByteView) { runs.push_back(number); });
  return runs;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& known) {
  const std::string_view near = nearest_word(word, {known.begin(), known.end()});
  return near.empty() ? "" : "; did you mean '" + std::string(near) + "'?";
}

}  // namespace aimlog
