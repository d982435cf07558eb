#include "plugin/store/run_table.h"

#include "plugin/store/table_access.h"

namespace aimlog {
namespace {

Key trial_index(RunKind kind, JobNumber job, const TrialKey& trial) {
  return std::move(Key(kind).add(job).add(trial));
}

// Rows of a run that form a history: run, then a number that counts up from 0.
template <typename Row>
void append_history(WriteTransaction& txn, Table table, RunNumber run, const Row& row) {
  const Key prefix = Key().add(run);
  uint32_t next = 0;
  if (const auto last = txn.last(table, prefix)) {
    next = KeyReader(last->first).skip(sizeof run).number<uint32_t>() + 1;
  }
  txn.put(table, Key().add(run).add(next), encode_row(row));
}

template <typename Row>
std::vector<Row> read_history(const Transaction& txn, Table table, RunNumber run) {
  std::vector<Row> rows;
  each_row(txn, table, Key().add(run),
           [&](KeyReader&, ByteView row) { rows.push_back(decode_row<Row>(row)); });
  return rows;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

RunNumber add_run(WriteTransaction& txn, const TrialKey& trial, const RunRow& row) {
  const RunNumber number = next_number(txn, Counter::run);
  put_run(txn, number, row);
  txn.put(Table::runs, trial_index(RunKind::trial, row.job, trial), encode_number(number));
  txn.put(Table::runs, Key(RunKind::id).add(row.id.bytes), encode_number(number));
  txn.erase(Table::runs, trial_index(RunKind::trial_id, row.job, trial));  // the row has it now
  return number;
}

void put_run(WriteTransaction& txn, RunNumber number, const RunRow& row) {
  txn.put(Table::runs, Key(RunKind::run).add(number), encode_row(row));
}

RunRow get_run(const Transaction& txn, RunNumber number) {
  return expect_row<RunRow>(txn, Table::runs, Key(RunKind::run).add(number), "run");
}

std::optional<RunNumber> find_run(const Transaction& txn, JobNumber job, const TrialKey& trial) {
  return find_number(txn, Table::runs, trial_index(RunKind::trial, job, trial));
}

std::optional<RunNumber> find_run_by_id(const Transaction& txn, const RunId& id) {
  return find_number(txn, Table::runs, Key(RunKind::id).add(id.bytes));
}

std::vector<RunNumber> find_runs_by_prefix(const Transaction& txn, std::string_view hex_prefix,
                                           size_t limit) {
  std::vector<RunNumber> runs;
  if (hex_prefix.empty() || hex_prefix.size() > 2 * sizeof(RunId::bytes) || limit == 0) return runs;
  Bytes whole;
  for (size_t i = 0; i + 1 < hex_prefix.size(); i += 2) {
    const int high = hex_digit(hex_prefix[i]);
    const int low = hex_digit(hex_prefix[i + 1]);
    if (high < 0 || low < 0) return runs;
    whole.push_back(static_cast<char>(high << 4 | low));
  }
  // An odd last digit is half a byte: the keys are filtered by it.
  const int half = hex_prefix.size() % 2 != 0 ? hex_digit(hex_prefix.back()) : 0;
  if (half < 0) return runs;
  const Key prefix = Key(RunKind::id).add_bytes(whole);
  const size_t place = ByteView(prefix).size();
  txn.scan(Table::runs, prefix, {}, [&](ByteView key, ByteView row) {
    const bool matches = hex_prefix.size() % 2 == 0 ||
                         (key.size() > place && (static_cast<uint8_t>(key[place]) >> 4) == half);
    if (matches) runs.push_back(decode_number_32(row));
    return runs.size() < limit;
  });
  return runs;
}

void each_run(const Transaction& txn, const std::function<void(RunNumber, const RunRow&)>& visit) {
  each_row(txn, Table::runs, Key(RunKind::run), [&](KeyReader& key, ByteView row) {
    visit(key.number<RunNumber>(), decode_row<RunRow>(row));
  });
}

void put_attempt(WriteTransaction& txn, RunNumber run, uint32_t attempt, const AttemptRow& row) {
  txn.put(Table::attempts, Key().add(run).add(attempt), encode_row(row));
}

std::optional<AttemptRow> get_attempt(const Transaction& txn, RunNumber run, uint32_t attempt) {
  const auto row = txn.get(Table::attempts, Key().add(run).add(attempt));
  if (!row) return std::nullopt;
  return decode_row<AttemptRow>(*row);
}

void put_trial_id(WriteTransaction& txn, JobNumber job, const TrialKey& trial, ByteView trial_id) {
  Bytes row(1, static_cast<char>(row_version));
  row.append(trial_id);
  txn.put(Table::runs, trial_index(RunKind::trial_id, job, trial), row);
}

std::optional<std::string> get_trial_id(const Transaction& txn, JobNumber job,
                                        const TrialKey& trial) {
  const auto row = txn.get(Table::runs, trial_index(RunKind::trial_id, job, trial));
  if (!row) return std::nullopt;
  return std::string(without_version(*row, row_version, "trial id"));
}

void add_params(WriteTransaction& txn, RunNumber run, const ParamsRow& row) {
  append_history(txn, Table::params, run, row);
}

std::vector<ParamsRow> get_params_history(const Transaction& txn, RunNumber run) {
  return read_history<ParamsRow>(txn, Table::params, run);
}

std::optional<ParamsRow> get_params(const Transaction& txn, RunNumber run) {
  const auto last = txn.last(Table::params, Key().add(run));
  if (!last) return std::nullopt;
  return decode_row<ParamsRow>(last->second);
}

void add_checkpoint(WriteTransaction& txn, RunNumber run, const CheckpointRow& row) {
  append_history(txn, Table::checkpoints, run, row);
}

std::vector<CheckpointRow> get_checkpoints(const Transaction& txn, RunNumber run) {
  return read_history<CheckpointRow>(txn, Table::checkpoints, run);
}

}  // namespace aimlog
