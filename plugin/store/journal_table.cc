#include "plugin/store/journal_table.h"

#include "plugin/store/table_access.h"

namespace aimlog {

std::optional<JournalRow> find_journal(const Transaction& txn, const RingId& ring) {
  const auto row = txn.get(Table::journals, Key(JournalKind::journal).add(ring));
  if (!row) return std::nullopt;
  return decode_row<JournalRow>(*row);
}

JournalNumber next_journal_number(WriteTransaction& txn) {
  return next_number(txn, Counter::journal);
}

void put_journal(WriteTransaction& txn, const RingId& ring, const JournalRow& row) {
  txn.put(Table::journals, Key(JournalKind::journal).add(ring), encode_row(row));
}

void erase_journal(WriteTransaction& txn, const RingId& ring) {
  txn.erase(Table::journals, Key(JournalKind::journal).add(ring));
}

void each_journal(const Transaction& txn,
                  const std::function<void(const RingId&, const JournalRow&)>& visit) {
  each_row(txn, Table::journals, Key(JournalKind::journal), [&](KeyReader& key, ByteView row) {
    visit(key.id<sizeof(RingId)>(), decode_row<JournalRow>(row));
  });
}

void put_open_run(WriteTransaction& txn, JournalNumber journal, RunNumber run) {
  txn.put(Table::journals, Key(JournalKind::open_run).add(journal).add(run), {});
}

void erase_open_run(WriteTransaction& txn, JournalNumber journal, RunNumber run) {
  txn.erase(Table::journals, Key(JournalKind::open_run).add(journal).add(run));
}

bool is_open_run(const Transaction& txn, JournalNumber journal, RunNumber run) {
  return txn.get(Table::journals, Key(JournalKind::open_run).add(journal).add(run)).has_value();
}

std::vector<RunNumber> open_runs(const Transaction& txn, JournalNumber journal) {
  std::vector<RunNumber> runs;
  each_row(txn, Table::journals, Key(JournalKind::open_run).add(journal),
           [&](KeyReader& key, ByteView) { runs.push_back(key.number<RunNumber>()); });
  return runs;
}

void add_loss(WriteTransaction& txn, const LossRow& row) {
  txn.put(Table::losses, Key().add(next_number(txn, Counter::loss)), encode_row(row));
}

void each_loss(const Transaction& txn, const std::function<void(const LossRow&)>& visit) {
  each_row(txn, Table::losses, {},
           [&](KeyReader&, ByteView row) { visit(decode_row<LossRow>(row)); });
}

}  // namespace aimlog
