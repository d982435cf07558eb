// Journals that are being applied, the runs that are open through them, and what was lost.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "plugin/model/ids.h"
#include "plugin/store/environment.h"
#include "plugin/store/rows.h"

namespace aimlog {

std::optional<JournalRow> find_journal(const Transaction& txn, const RingId& ring);
JournalNumber next_journal_number(WriteTransaction& txn);
void put_journal(WriteTransaction& txn, const RingId& ring, const JournalRow& row);
void erase_journal(WriteTransaction& txn, const RingId& ring);
void each_journal(const Transaction& txn,
                  const std::function<void(const RingId&, const JournalRow&)>& visit);

// Open runs that this journal is in charge of: who closes it must close them. One journal has a run
// at a time.
void put_open_run(WriteTransaction& txn, JournalNumber journal, RunNumber run);
void erase_open_run(WriteTransaction& txn, JournalNumber journal, RunNumber run);
bool is_open_run(const Transaction& txn, JournalNumber journal, RunNumber run);
std::vector<RunNumber> open_runs(const Transaction& txn, JournalNumber journal);

void add_loss(WriteTransaction& txn, const LossRow& row);
void each_loss(const Transaction& txn, const std::function<void(const LossRow&)>& visit);

}  // namespace aimlog
