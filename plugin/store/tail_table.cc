#include "plugin/store/tail_table.h"

#include "plugin/store/store_format.h"
#include "plugin/store/table_access.h"
#include "plugin/store/tail_codec.h"

namespace aimlog {
namespace {

template <typename Visit>
void each_tail_with(const Transaction& txn, const Key& prefix, const Visit& visit) {
  each_row(txn, Table::tails, prefix, [&](KeyReader& key, ByteView row) {
    const ByteView rows = without_version(row, tail_version, "tail");
    visit(key, row[0] == tail_version_plain ? Bytes(rows) : unpack_tail(rows));
  });
}

}  // namespace

void append_tail_row(Bytes& tail, const TailRow& row) {
  append_varint(tail, row.run);
  append_varint(tail, row.attempt);
  append_varint(tail, row.sequence);
  append_varint(tail, row.shape);
  append_string(tail, row.result);
}

void each_tail_row(ByteView tail, const std::function<void(const TailRow&)>& visit) {
  ByteReader in(tail, "tail");
  while (!in.at_end()) {
    TailRow row;
    row.run = static_cast<RunNumber>(in.varint_up_to(UINT32_MAX));
    row.attempt = static_cast<uint32_t>(in.varint_up_to(UINT32_MAX));
    row.sequence = in.varint();
    row.shape = static_cast<ShapeNumber>(in.varint_up_to(UINT32_MAX));
    row.result = in.string();
    visit(row);
  }
}

void put_tail(WriteTransaction& txn, JournalNumber journal, uint64_t number, ByteView rows,
              ZstdCompressor& zstd) {
  Bytes value(1, static_cast<char>(tail_version));
  value.append(pack_tail(rows, zstd));
  txn.put(Table::tails, Key(TailKind::tail).add(journal).add(number), value);
}

void erase_tail(WriteTransaction& txn, JournalNumber journal, uint64_t number) {
  txn.erase(Table::tails, Key(TailKind::tail).add(journal).add(number));
}

void each_tail(const Transaction& txn, JournalNumber journal,
               const std::function<void(uint64_t number, ByteView rows)>& visit) {
  each_tail_with(txn, Key(TailKind::tail).add(journal),
                 [&](KeyReader& key, ByteView rows) { visit(key.number<uint64_t>(), rows); });
}

void each_tail(const Transaction& txn,
               const std::function<void(JournalNumber, uint64_t number, ByteView rows)>& visit) {
  each_tail_with(txn, Key(TailKind::tail), [&](KeyReader& key, ByteView rows) {
    const auto journal = key.number<JournalNumber>();
    visit(journal, key.number<uint64_t>(), rows);
  });
}

void put_seal(WriteTransaction& txn, JournalNumber journal, RunNumber run, uint64_t sequence) {
  txn.put(Table::tails, Key(TailKind::seal).add(journal).add(run), encode_number(sequence));
}

std::map<RunNumber, uint64_t> get_seals(const Transaction& txn, JournalNumber journal) {
  std::map<RunNumber, uint64_t> seals;
  each_row(txn, Table::tails, Key(TailKind::seal).add(journal), [&](KeyReader& key, ByteView row) {
    seals[key.number<RunNumber>()] = decode_number(row);
  });
  return seals;
}

void erase_journal_tails(WriteTransaction& txn, JournalNumber journal) {
  std::vector<Bytes> keys;
  for (const TailKind kind : {TailKind::tail, TailKind::seal}) {
    txn.scan(Table::tails, Key(kind).add(journal), {}, [&](ByteView key, ByteView) {
      keys.emplace_back(key);
      return true;
    });
  }
  for (const Bytes& key : keys) txn.erase(Table::tails, key);
}

}  // namespace aimlog
