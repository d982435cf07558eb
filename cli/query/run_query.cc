#include "cli/query/run_query.h"

#include <algorithm>

#include "cli/failure.h"
#include "cli/output/text.h"
#include "cli/query/expression/evaluator.h"
#include "cli/query/expression/parser.h"
#include "cli/query/expression/query_error.h"
#include "cli/query/expression/time_words.h"
#include "cli/query/run_fields.h"

namespace aimlog::cli {
namespace {

// The query, and a mark below the place. Of a long one only what is near.
std::string pointed_at(const std::string& text, size_t at) {
  constexpr size_t width_before = 60, width = 78;
  std::string before = safe_text(std::string_view(text).substr(0, at));
  const std::string behind = safe_text(std::string_view(text).substr(at));
  if (display_width(before) > width_before) {
    size_t cut = before.size() - width_before;
    while (cut < before.size() && (before[cut] & 0xc0) == 0x80) ++cut;
    before = "…" + before.substr(cut);
  }
  return "  " + shortened(before + behind, width) + "\n  " +
         std::string(display_width(before), ' ') + "^";
}

Failure failure_of(const QueryError& error, const std::string& text) {
  const int code = error.about() == QueryError::About::runs ? exit_nothing : exit_usage;
  return {code, std::string("in the query: ") + error.what(), pointed_at(text, error.at())};
}

// Texts beside points in time become points in time.
void read_times(Node& node, const std::vector<RunField>& fields) {
  const auto is_time = [&](const Node& each) {
    return each.kind == Node::Kind::field && fields[each.field].is_time;
  };
  const auto& children = node.children;
  if (node.kind == Node::Kind::compare && std::any_of(children.begin(), children.end(), is_time)) {
    for (Node& each : node.children) {
      if (each.kind != Node::Kind::constant || each.value.text() == nullptr) continue;
      const auto seconds = time_of_text(*each.value.text());
      if (!seconds)
        throw QueryError(each.at,
                         "this is no time; write '2026-11-24', '2026-11-24 13:30' or '7 days ago'");
      each.value = Value{Number::of(*seconds)};
    }
  }
  for (Node& each : node.children) read_times(each, fields);
}

}  // namespace

RunQuery::RunQuery(const std::string& text) : text_(text) {
  try {
    query_ = parse_query(text_);
  } catch (const QueryError& error) {
    throw failure_of(error, text_);
  }
  needs_config_ = std::any_of(query_.fields.begin(), query_.fields.end(), may_be_config);
}

void RunQuery::choose(RunList& list, Snapshot& snapshot) const {
  if (list.empty()) return;
  Query query = query_;
  std::vector<RunField> fields;
  try {
    for (const Field& field : query.fields) fields.push_back(bind_field(list, field));
    read_times(query.root, fields);
  } catch (const QueryError& error) {
    throw failure_of(error, text_);
  }
  Evaluator evaluator(query);
  std::vector<size_t> fit;
  size_t i = 0;
  list.each(RunParts::all(list.with_config()), [&](const RunInfo& run) {
    if (evaluator.matches([&](size_t field) { return fields[field].value(run); })) fit.push_back(i);
    ++i;
    return true;
  });
  for (const size_t at : evaluator.never_comparable())
    snapshot.remark("in the query: this compares a number with a text, in every run",
                    pointed_at(text_, at));
  list.choose(fit);
}

}  // namespace aimlog::cli
