#include "cli/query/snapshot.h"

#include <set>

#include "cli/output/terminal.h"
#include "cli/output/value_text.h"
#include "plugin/model/context_text.h"
#include "plugin/store/name_table.h"

namespace aimlog::cli {

std::string text_in_context(const Value& value) {
  const auto text = context_value_text(value);
  return text ? *text : value_text(value, true);
}

std::string SeriesName::context_text() const {
  std::string text;
  for (const auto& [key, value] : context)
    text += (text.empty() ? "" : ",") + key + "=" + text_in_context(value);
  return text;
}

std::string SeriesName::text() const {
  return context.empty() ? metric : metric + "{" + context_text() + "}";
}

Remarks::~Remarks() {
  static std::set<std::string> told;  // who follows a repo looks at it again and again
  try {
    for (const auto& [text, details] : texts_)
      if (told.insert(text + details).second) complain(text, details);
  } catch (const std::exception&) {
    return;  // no memory for a remark
  }
}

const std::shared_ptr<const JobRow>& Snapshot::shared_job(JobNumber number) {
  const auto [place, is_new] = jobs_.try_emplace(number);
  if (is_new) place->second = std::make_shared<const JobRow>(get_job(txn_, number));
  return place->second;
}

const std::string& Snapshot::experiment_of(JobNumber number) {
  const ExperimentNumber experiment = job(number).experiment;
  const auto [place, is_new] = experiments_.try_emplace(experiment);
  if (is_new) place->second = get_experiment(txn_, experiment).name;
  return place->second;
}

const SeriesName& Snapshot::name(SeriesKey key) {
  const auto [place, is_new] = names_.try_emplace(key);
  if (!is_new) return place->second;
  SeriesName& name = place->second;
  name.metric = get_name(txn_, key.name);
  const Bytes context = get_context(txn_, key.context);
  if (!context.empty()) {
    name.context_value = decode_value(context);
    if (const ValueMap* map = name.context_value.map()) name.context = flatten(*map);
  }
  return name;
}

}  // namespace aimlog::cli
