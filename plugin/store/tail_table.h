// Tails: results that are committed and not yet in a chunk. Each commit of a journal writes one
// value with the rows of all its runs.
//
// Rows move into chunks run by run; a seal says up to which sequence number of a journal a run's
// rows are in chunks, so that readers skip them in tails that still hold others. A tail is erased
// when all of its rows are sealed.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "plugin/base/bytes.h"
#include "plugin/store/environment.h"
#include "plugin/store/rows.h"
#include "plugin/store/zstd_frame.h"

namespace aimlog {

struct TailRow {
  RunNumber run = 0;
  uint32_t attempt = 0;
  uint64_t sequence = 0;
  ShapeNumber shape = 0;
  ByteView result;  // see model/result_codec.h; its step is final
};

void append_tail_row(Bytes& tail, const TailRow& row);
// Throws Error(corrupt). Views point into `tail`.
void each_tail_row(ByteView tail, const std::function<void(const TailRow&)>& visit);

void put_tail(WriteTransaction& txn, JournalNumber journal, uint64_t number, ByteView rows,
              ZstdCompressor& zstd);
void erase_tail(WriteTransaction& txn, JournalNumber journal, uint64_t number);
void each_tail(const Transaction& txn, JournalNumber journal,
               const std::function<void(uint64_t number, ByteView rows)>& visit);
void each_tail(const Transaction& txn,
               const std::function<void(JournalNumber, uint64_t number, ByteView rows)>& visit);

void put_seal(WriteTransaction& txn, JournalNumber journal, RunNumber run, uint64_t sequence);
std::map<RunNumber, uint64_t> get_seals(const Transaction& txn, JournalNumber journal);
// All tails and seals of a journal, when it is finished.
void erase_journal_tails(WriteTransaction& txn, JournalNumber journal);

}  // namespace aimlog
