#include "plugin/store/run_rows.h"

#include <cstring>

#include "plugin/store/run_table.h"
#include "plugin/store/summary_codec.h"
#include "plugin/store/table_access.h"

namespace aimlog {
namespace {

// Of the rows whose key begins with a run, the one that `is_better` than those before it. Few runs
// of many are looked up one by one, all others in one pass over the table.
template <typename IsBetter, typename Find>
std::vector<ByteView> rows_of(const Transaction& txn, Table table,
                              const std::vector<RunNumber>& runs, IsBetter&& is_better,
                              Find&& find) {
  constexpr size_t pass_pays = 8;
  std::vector<ByteView> found(runs.size());
  if (runs.size() * pass_pays < txn.count(table)) {
    for (size_t i = 0; i < runs.size(); ++i) found[i] = find(runs[i]);
    return found;
  }
  size_t i = 0;
  txn.scan(table, {}, {}, [&](ByteView key, ByteView row) {
    KeyReader reader(key);
    const auto run = reader.number<RunNumber>();
    while (i < runs.size() && runs[i] < run) ++i;
    if (i == runs.size()) return false;
    if (runs[i] == run && is_better(reader.number<uint32_t>())) found[i] = row;
    return true;
  });
  return found;
}

}  // namespace

void each_run_row(const Transaction& txn,
                  const std::function<void(RunNumber, ByteView row)>& visit) {
  each_row(txn, Table::runs, Key(RunKind::run),
           [&](KeyReader& key, ByteView row) { visit(key.number<RunNumber>(), row); });
}

ByteView get_run_row(const Transaction& txn, RunNumber number) {
  const auto row = txn.get(Table::runs, Key(RunKind::run).add(number));
  if (!row) throw Error(ErrorCode::corrupt, "a run is missing in the repo");
  return *row;
}

RunRow decode_run(ByteView row) { return decode_row<RunRow>(row); }

RunHead read_run_head(ByteView row) {
  constexpr int other_texts_before_status = 5;
  ByteReader in(without_version(row, row_version, "run row"), "run row");
  RunHead head;
  head.job = static_cast<JobNumber>(in.varint_up_to(UINT32_MAX));
  std::memcpy(head.id.bytes.data(), in.take(sizeof head.id.bytes).data(), sizeof head.id.bytes);
  head.trial_id = in.string();
  for (int i = 0; i < other_texts_before_status; ++i) in.string();
  const auto status = in.fixed<uint8_t>();
  if (status > static_cast<uint8_t>(last_of(TrialStatus{}))) in.fail("a choice is unknown");
  head.status = static_cast<TrialStatus>(status);
  in.signed_varint();  // created
  in.signed_varint();  // ended
  head.attempts = static_cast<uint32_t>(in.varint_up_to(UINT32_MAX));
  return head;
}

std::vector<ByteView> newest_params_rows(const Transaction& txn,
                                         const std::vector<RunNumber>& runs) {
  return rows_of(
      txn, Table::params, runs, [](uint32_t) { return true; },  // versions rise
      [&](RunNumber run) {
        ByteView newest;
        each_row(txn, Table::params, Key().add(run),
                 [&](KeyReader&, ByteView row) { newest = row; });
        return newest;
      });
}

std::vector<ByteView> first_summaries_rows(const Transaction& txn,
                                           const std::vector<RunNumber>& runs) {
  constexpr uint32_t first = 1;
  return rows_of(
      txn, Table::series, runs, [](uint32_t attempt) { return attempt == first; },
      [&](RunNumber run) {
        return txn.get(Table::series, Key().add(run).add(first)).value_or(ByteView());
      });
}

ParamsView view_params(ByteView row) {
  ByteReader in(without_version(row, row_version, "params row"), "params row");
  in.signed_varint();  // when they came
  in.varint();         // with which attempt
  ParamsView view;
  view.params = in.string();
  view.config = in.string();
  return view;
}

void decode_summaries(ByteView row, std::vector<NamedSummary>& out) {
  out.clear();
  if (row.empty()) return;
  if (static_cast<uint8_t>(row[0]) != summaries_version) {
    for (const auto& each : decode_row<SummaryMap>(row)) out.emplace_back(each);
    return;
  }
  ByteReader in(row.substr(1), "series summaries");
  for (uint64_t i = in.varint_up_to(in.remaining()); i > 0; --i) {
    out.push_back(read_summary(in));
    if (out.size() > 1 && out[out.size() - 2].first >= out.back().first)
      in.fail("its series are out of order");
  }
}

}  // namespace aimlog
